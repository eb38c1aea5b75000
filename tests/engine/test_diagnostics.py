"""From engine events to failures of gateways."""

import pytest
from pulumi.automation import EngineEvent

from gateway_components.components.naming import gateway_of
from gateway_components.engine.diagnostics import Diagnostics
from gateway_components.identity import Identity
from gateway_components.plan.findings import Reason

GATEWAY = "urn:pulumi:ns::litellm-gateways::gateway-components:index:AiGateway"
KEY = Identity("AiGateway", "ns", "a")


def urn(type_: str, name: str = "ns/a") -> str:
    return f"{GATEWAY}$kubernetes:{type_}::{name}"


def diagnostic(message: str, of: str | None = None, severity: str = "error") -> EngineEvent:
    event = {"message": message, "color": "never", "severity": severity, "urn": of}
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, "diagnosticEvent": event})


REASONS = [
    ("core/v1:ConfigMap", Reason.CONFIG_MAP_FAILED),
    ("apps/v1:DeploymentPatch", Reason.DEPLOYMENT_FAILED),
    ("core/v1:Service", Reason.SERVICE_FAILED),
    ("core/v1:Other", Reason.WORKLOAD_FAILED),
]


@pytest.mark.parametrize(("type_", "reason"), REASONS)
def test_the_reason_names_the_object_that_failed(type_: str, reason: Reason) -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic("denied by quota", urn(type_)))

    failure = diagnostics.failures()[KEY]

    assert failure.reason is reason
    assert (
        failure.message == f"{type_.split(':')[1].removesuffix('Patch')} of AiGateway ns/a: denied by quota"
    )


def test_the_first_object_in_order_of_creation_is_the_cause() -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic("later", urn("core/v1:Service")))
    diagnostics.on_event(diagnostic("first", urn("core/v1:ConfigMap")))
    diagnostics.on_event(diagnostic("update failed", urn("core/v1:ConfigMap")))

    assert diagnostics.failures()[KEY].message.endswith("first")


def test_neighbours_and_mere_warnings_are_no_failures() -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic("bad", urn("core/v1:Service", "ns/other")))
    diagnostics.on_event(diagnostic("careful", urn("core/v1:Service"), severity="warning"))
    diagnostics.on_event(diagnostic("the program broke"))

    assert [key.name for key in diagnostics.failures()] == ["other"]
    assert diagnostics.general() == "the program broke"


CONFIG_MAP = "urn:pulumi:ns::litellm-gateways::kubernetes:core/v1:ConfigMapPatch::ns/a"
REFUSED = "dial tcp 10.0.0.1:443: connect: connection refused"
REQUEST = f'Patch "https://10.0.0.1/api/v1/namespaces/ns/configmaps/a-config?fieldManager=x": {REFUSED}'
WEBHOOK = (
    'Internal error occurred: failed calling webhook "policy.example.com": failed to call webhook: '
    f'Post "https://policy.ns.svc:443/validate?timeout=10s": {REFUSED}'
)
CREATED = f'resource "{CONFIG_MAP}" was not successfully created by the Kubernetes API server: '
UPDATED = f'update of resource "{CONFIG_MAP}" failed: '
SCHEMA = "Failed to fetch OpenAPI schema from the API server: "

UNREACHABLE = [
    ("when it starts", "configured Kubernetes cluster is unreachable: unable to load schema", True),
    ("at a refresh", "failed to read resource state due to unreachable cluster. If the cluster was", True),
    ("at a look", REQUEST.replace("Patch", "Get"), True),
    ("when it asks for the schema", f"{SCHEMA}{REQUEST.replace('Patch', 'Get')}", True),
    ("when it creates", f"{CREATED}{REQUEST}", True),
    ("when it updates", f"{UPDATED}{REQUEST}\nunable to get cluster state: {REQUEST}", True),
    ("no webhook answers a create", f"{CREATED}{WEBHOOK}", False),
    (
        "no webhook answers an update",
        f'the Kubernetes API server reported that "ns/a" failed to fully initialize or become live: {WEBHOOK}',
        False,
    ),
    ("the object is refused", f"{CREATED}denied by quota", False),
]


@pytest.mark.parametrize(("case", "message", "is_one"), UNREACHABLE, ids=[case[0] for case in UNREACHABLE])
def test_an_unanswered_request_is_not_the_fault_of_an_object(case: str, message: str, is_one: bool) -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic(message, urn("core/v1:ConfigMap")))

    assert (diagnostics.unreachable(()) is not None) is is_one, case


def test_a_webhook_that_does_not_answer_is_named() -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic(f"{CREATED}{WEBHOOK}", urn("core/v1:ConfigMap")))

    assert "policy.example.com" in diagnostics.failures()[KEY].message


ANSWERED: list[tuple[str, tuple[EngineEvent, ...], tuple[Identity, ...]]] = [
    ("a neighbour was applied", (), (Identity("AiGateway", "ns", "other"),)),
    ("a neighbour was refused", (diagnostic("denied", urn("core/v1:Service", "ns/other")),), ()),
]


@pytest.mark.parametrize(("case", "events", "done"), ANSWERED, ids=[case[0] for case in ANSWERED])
def test_who_answers_about_a_neighbour_can_be_reached(
    case: str, events: tuple[EngineEvent, ...], done: tuple[Identity, ...]
) -> None:
    diagnostics = Diagnostics()
    for event in (diagnostic(REQUEST, urn("core/v1:ConfigMap")), *events):
        diagnostics.on_event(event)

    assert diagnostics.unreachable(done) is None, case
    assert diagnostics.failures()[KEY].reason is Reason.CONFIG_MAP_FAILED


def test_the_way_is_broken_for_the_run_as_well_as_for_a_gateway() -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic(REQUEST))
    diagnostics.on_event(diagnostic("update failed"))

    assert diagnostics.unreachable(()) == REQUEST


def test_colours_and_the_providers_preamble_are_left_out() -> None:
    diagnostics = Diagnostics()
    text = (
        "<{%reset%}>resource ns/a-config was not successfully created by the Kubernetes API server: "
        "denied<{%reset%}>\n"
    )
    diagnostics.on_event(diagnostic(text, urn("core/v1:ConfigMap")))

    assert diagnostics.failures()[KEY].message == "ConfigMap of AiGateway ns/a: denied"


def test_a_traceback_of_the_program_is_left_out() -> None:
    diagnostics = Diagnostics()
    diagnostics.on_event(diagnostic("the program broke\nTraceback (most recent call last):\n  File x\nE: y"))

    assert diagnostics.general() == "the program broke"


URNS = [
    (f"{GATEWAY}::ns/a", KEY),
    (urn("apps/v1:Deployment"), KEY),
    ("urn:pulumi:ns::litellm-gateways::pulumi:providers:kubernetes::kubernetes", None),
    ("urn:pulumi:ns::litellm-gateways::pulumi:pulumi:Stack::litellm-gateways-ns", None),
    ("", None),
]


@pytest.mark.parametrize(("known", "key"), URNS)
def test_a_urn_tells_its_gateway(known: str, key: Identity | None) -> None:
    assert gateway_of(known) == key
