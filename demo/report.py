"""What the demo shows of the cluster: the rows of `gatewayctl status`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway_components.cli.report import GatewayRow, RouteRow, StatusReport, status_report
from gateway_components.graph.inventory import inventory_of_raw
from gateway_components.kube.resources import CUSTOM_RESOURCES
from lab.api import Api

ShownRow = GatewayRow | RouteRow

_KINDS = ("AiGateway", "ToolGateway", "ToolRoute")
"""The kinds that have a status; looking at the others several times a second would cost more than it shows."""


def read_report(api: Api) -> StatusReport:
    """Return the gateways and routes of the cluster."""
    report = status_report(inventory_of_raw(_objects(api), dict.fromkeys(_KINDS)))
    return replace(report, guards=())


def is_reported(row: ShownRow) -> bool:
    """Tell whether the daemon has come to it."""
    return row.reason != "NotReported"


def short_name(row: ShownRow) -> str:
    """Return its name, after its namespace if that is not the default one."""
    return row.name if row.namespace == "default" else f"{row.namespace}/{row.name}"


def _objects(api: Api) -> Iterator[dict[str, Any]]:
    for kind in _KINDS:
        listed = api.get(CUSTOM_RESOURCES[kind].collection()) or {}
        yield from ({**item, "kind": kind} for item in listed.get("items", ()))
