"""From arguments that are known to the objects of a gateway, by way of the pure core."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from gateway_components.components.described import Described
from gateway_components.components.errors import ArgsError
from gateway_components.components.guards import described_guards
from gateway_components.components.routes import described_routes
from gateway_components.components.snapshot import described_gateway, snapshot, without_patch_name
from gateway_components.crds.parse import problems
from gateway_components.errors import Problem
from gateway_components.plan.kinds import GatewayKind
from gateway_components.plan.plan import plan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.workload import GatewayObjects

__all__ = ["Built", "generate"]


@dataclass(frozen=True, slots=True)
class Built:
    """What the arguments of a gateway become.

    Attributes
    ----------
    objects
        Its objects.
    route_urls
        URL of each of its routes by the route's name.
    """

    objects: GatewayObjects
    route_urls: Mapping[str, str]


def generate(component: str, kind: GatewayKind, parts: Mapping[str, Any], *, warn: bool = True) -> Built:
    """Return what a gateway becomes.

    Parameters
    ----------
    component
        Type and name of the component, for messages.
    kind
        Kind of the gateway.
    parts
        Fields of its custom resource, its guards, its routes, its patch and the digest of its API keys.
    warn
        Whether to show what is not done as asked.

    Raises
    ------
    ArgsError
        An argument is at fault; all that are, as far as they show at once.
    """
    gateway = described_gateway(kind, parts)
    namespace = parts["namespace"]
    others = (
        *described_guards(parts["guardrails"], namespace),
        *described_routes(parts["routes"], namespace, parts["name"]),
    )
    found = _check(component, (gateway, *others))
    try:
        planned = plan(snapshot(kind, gateway, others, parts))
    except UnicodeEncodeError:
        message = "a text holds half of a character (a lone surrogate), which no file can hold"
        raise ArgsError(component, Problem("", message, "decode what it was read from as UTF-8")) from None
    (own,) = planned.gateways.values()
    routes = {key.name: route for key, route in planned.routes.items()}
    by_entry = [(entry, route) for entry in others if (route := _route(entry, routes))]
    failed = [(gateway, own.failure), *((entry, route.failure) for entry, route in by_entry)]
    faults = [entry.problem(failure) for entry, failure in failed if failure]
    if faults or own.objects is None:
        raise ArgsError(component, *faults)
    if warn:
        found += tuple(without_patch_name(gateway.problem(warning)) for warning in own.warnings)
        found += tuple(entry.problem(warning) for entry, route in by_entry for warning in route.warnings)
        for warning in found:
            pulumi.warn(str(ArgsError(component, warning)))
    return Built(own.objects, {name: route.url for name, route in routes.items() if route.url})


def _check(component: str, entries: Sequence[Described]) -> tuple[Problem, ...]:
    """Return what is worth a warning, or refuse what no cluster would take."""
    found = [
        (entry.problem(problem), problem.severity)
        for entry in entries
        for problem in problems(entry.manifest)
    ]
    errors = [problem for problem, severity in found if severity == "error"]
    errors += [fault for entry in entries for fault in entry.faults]
    errors = errors or list(_namesakes(entries))
    if errors:
        # A guard and its provider have one name, and so the same mistake in it.
        raise ArgsError(component, *dict.fromkeys(errors))
    return tuple(problem for problem, severity in found if severity == "warning")


def _namesakes(entries: Iterable[Described]) -> Iterator[Problem]:
    """Yield a problem for each object that another one of its name differs from; a plan knows but one of them."""
    known: dict[tuple[str, Any, Any], Mapping[str, Any]] = {}
    for entry in entries:
        metadata = entry.manifest["metadata"]
        key = entry.manifest["kind"], metadata["namespace"], metadata["name"]
        if known.setdefault(key, entry.manifest) != entry.manifest:
            message = f'is "{metadata["name"]}", the name of another one with other settings'
            yield Problem(
                entry.arguments["metadata.name"], message, "name them apart, or describe them alike"
            )


def _route(entry: Described, routes: Mapping[str, RoutePlan]) -> RoutePlan | None:
    """Return the plan of a ToolRoute; None for an object of another kind."""
    return routes[entry.manifest["metadata"]["name"]] if entry.manifest["kind"] == "ToolRoute" else None
