"""Objects that a newer version of the CRDs admitted: what is understood is served, the rest says why."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import wait_until
from lab.errors import ApiError
from tests.daemon.conftest import DEPLOY
from tests.daemon.crds import install_crds
from tests.daemon.harness import SECONDS, Daemon, Namespace, alone, server_key
from tests.daemon.manifests import gateway, guard, tool_gateway, tool_route, tool_server


@pytest.fixture
def newer(breakable_place: Namespace) -> Iterator[Namespace]:
    """Return a namespace of a control plane whose CRDs admit any spec, as later versions may."""
    for file in sorted((DEPLOY / "crds").iterdir()):
        crd = yaml.safe_load(file.read_text())
        schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        schema["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        breakable_place.lab.kubectl("apply", "-f", "-", input=json.dumps(crd))
    yield breakable_place
    # Nobody else can read them.
    breakable_place.kubectl("delete", "aigateways,guards,toolgateways,toolroutes,toolservers", "--all")
    install_crds(breakable_place.lab)


def test_unknown_fields_are_ignored_unknown_values_are_named(newer: Namespace, tmp_path: Path) -> None:
    for manifest in (
        tool_server("known", sidecars=[{"image": "later"}]),
        gateway("plain", autoscaling={"most": 3}),
        gateway("odd", port="http"),
        tool_gateway("tools", mesh=True),
        tool_server("later", transportType="websocket"),
        tool_route("served", "tools", server="known", retries=3),
        tool_route("unserved", "tools", server="later"),
        guard("later", "any", "at_night"),
        gateway("guarded", guardrails=[{"name": "later"}]),
    ):
        # Established CRDs change their schema a moment later.
        wait_until(partial(_takes, newer, manifest), timeout=SECONDS, what="the newer schema")
    with Daemon(newer.lab, tmp_path, *alone(newer)) as daemon:
        newer.wait_ready("plain")
        newer.wait_ready("tools", "ToolGateway")
        newer.wait_route("served", "Reconciled")
        assert "port" in newer.wait_reason("odd", "ConfigGenerationFailed")
        assert "transportType" in newer.wait_route("unserved", "UpstreamUnresolved", contains="later")
        assert "mode" in newer.wait_reason("guarded", "GuardrailsResolutionFailed")
        assert list(newer.servers("tools")) == [server_key(newer, "served")]
        assert "Traceback" not in daemon.text()


def _takes(place: Namespace, manifest: dict[str, Any]) -> bool:
    try:
        place.apply(manifest)
    except ApiError:
        return False
    # The earlier schema may have dropped what it does not know.
    kept = place.existing(manifest["kind"], manifest["metadata"]["name"])["spec"]
    return bool(kept == manifest["spec"])
