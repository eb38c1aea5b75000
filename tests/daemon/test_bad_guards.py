"""Guards that cannot be applied: the gateway says why and goes on with what it had, never unguarded."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway_components.plan.guardrail_params import ANONYMIZER_ANNOTATION
from lab import ControlPlane, wait_until
from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import config_map, gateway, guard, provider, secret, tool_gateway

BEDROCK: dict[str, Any] = {"type": "bedrock-api", "bedrock": {"region": "eu-central-1"}}

BROKEN: list[tuple[str, str, list[dict[str, Any]], list[str], str]] = [
    (
        "no-guard",
        "AiGateway",
        [],
        ["Guard NAMESPACE/checked does not exist", "spec.guardrails[0]"],
        "it is named",
    ),
    (
        "no-provider",
        "AiGateway",
        [guard("checked", "nowhere")],
        ["GuardrailProvider NAMESPACE/nowhere", "Guard NAMESPACE/checked"],
        "the provider and who asked for it are named",
    ),
    (
        "no-block",
        "AiGateway",
        [guard("checked", "service"), provider("service", type="presidio-api")],
        ["GuardrailProvider NAMESPACE/service", "no spec.presidio"],
        "the CRD does not tie the block to the type",
    ),
    (
        "no-guard-block",
        "AiGateway",
        [guard("checked", "service"), provider("service", **BEDROCK)],
        ["Guard NAMESPACE/checked", "no spec.bedrock"],
        "Bedrock cannot be asked without the identifier of a guardrail",
    ),
    (
        "itself",
        "AiGateway",
        [
            {
                **guard("checked", "checked"),
                "spec": {"mode": ["pre_call"], "providerRef": {"kind": "Guard", "name": "checked"}},
            }
        ],
        ["refers to the kind Guard, not to a GuardrailProvider"],
        "a Guard that names itself goes in a circle",
    ),
    (
        "bad-action",
        "AiGateway",
        [guard("checked", "service", presidio={"entityActions": {"PERSON": "HIDE"}}), provider("service")],
        ['"HIDE" for PERSON', "MASK or BLOCK"],
        "LiteLLM does not start with an action it does not know",
    ),
    (
        "bad-score",
        "AiGateway",
        [guard("checked", "service", presidio={"scoreThresholds": {"ALL": "high"}}), provider("service")],
        ['"high" for ALL', "0 to 1"],
        "LiteLLM does not start with a score that is no number",
    ),
    (
        "names-a-variable",
        "AiGateway",
        [
            guard("checked", "service", presidio={"language": "os.environ/OPENAI_API_KEY"}),
            provider("service"),
        ],
        ["the Guard's spec.presidio.language begins with os.environ/", "write the value itself"],
        "LiteLLM would send the key of the models to Presidio",
    ),
    (
        "far-secret",
        "AiGateway",
        [
            guard("checked", "service", bedrock={"guardrailId": "g-1"}),
            provider(
                "service",
                type="bedrock-api",
                bedrock={
                    "region": "eu-central-1",
                    "credentialsSecretRef": {"name": "aws", "namespace": "kube-system"},
                },
            ),
        ],
        ["Secret kube-system/aws cannot be mounted", "NAMESPACE"],
        "a pod takes Secrets from its own namespace alone",
    ),
]


@pytest.fixture(scope="module")
def ready(lab: ControlPlane, daemon: Daemon) -> Iterator[Namespace]:
    """Return a namespace with a gateway of either kind that is ready, to which each test brings it back."""
    with fresh_namespace(lab) as place:
        place.apply(gateway("models"), tool_gateway("tools"))
        place.wait_ready("models")
        place.wait_ready("tools", "ToolGateway")
        yield place


@pytest.mark.parametrize(("case", "kind", "objects", "said", "why"), BROKEN, ids=[case[0] for case in BROKEN])
def test_a_faulty_guard_is_named_and_the_config_stays(
    ready: Namespace,
    daemon: Daemon,
    case: str,
    kind: str,
    objects: list[dict[str, Any]],
    said: list[str],
    why: str,
) -> None:
    name, make = ("models", gateway) if kind == "AiGateway" else ("tools", tool_gateway)
    before = ready.existing("ConfigMap", f"{name}-config")["metadata"]["resourceVersion"]
    wanted = [part.replace("NAMESPACE", ready.name) for part in said]
    try:
        ready.apply(*objects, make(name, guardrails=[{"name": "checked"}]))

        message = ready.wait_reason(name, "GuardrailsResolutionFailed", kind, contains=wanted[0])
        assert [part for part in wanted if part not in message] == [], f"{why}: {message}"
        assert ready.existing("ConfigMap", f"{name}-config")["metadata"]["resourceVersion"] == before
        event = ready.wait_event(name, "GuardrailsResolutionFailed", contains=wanted[0])
        assert event["type"] == "Warning"
        subject = f"{kind} {ready.name}/{name}"
        line = daemon.wait_for(f"{kind}Configured", gateway=subject, status="False", message=message)
        assert line["level"] == "warning"
    finally:
        ready.apply(make(name))
        for manifest in objects:
            ready.delete(manifest["kind"], manifest["metadata"]["name"])
    ready.wait_ready(name, kind)


def test_an_ignored_mode_is_a_warning_and_the_others_hold(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(
        provider("service"),
        guard("answers", "service", "post_call"),
        guard("checked", "service", "pre_call", "post_call"),
        tool_gateway("guarded", guardrails=[{"name": "answers"}, {"name": "checked"}]),
    )
    namespace.wait_ready("guarded", "ToolGateway")

    assert "pre_mcp_call" in namespace.config("guarded")
    assert "post_call" not in namespace.config("guarded")
    assert "answers" not in namespace.config("guarded")
    for reason, text in (("GuardModeIgnored", "post_call"), ("GuardLeftOut", "answers is left out")):
        assert namespace.wait_event("guarded", reason, contains=text)["type"] == "Warning"
        assert daemon.wait_for(reason, gateway=f"ToolGateway {namespace.name}/guarded")
    configured, *_ = namespace.existing("ToolGateway", "guarded")["status"]["conditions"]
    assert "4 warnings, the first: Guard" in configured["message"]
    assert "answers is left out, so it blocks nothing" in configured["message"]


def test_a_patched_guard_is_reported_as_long_as_it_holds(namespace: Namespace, daemon: Daemon) -> None:
    namespace.apply(
        provider("service"),
        guard("patients", "service"),
        config_map("extra", patch_yaml="guardrails: []"),
        gateway("clinic", guardrails=[{"name": "patients"}], annotations={PATCH_ANNOTATION: "extra"}),
    )
    namespace.wait_ready("clinic")

    def message() -> str:
        return str(namespace.conditions("clinic")["AiGatewayConfigured"]["message"])

    said = f"removes guards that spec.guardrails asks for, so they block nothing: Guard {namespace.name}/patients"
    assert namespace.wait_event("clinic", "GuardRemoved", contains=said)["type"] == "Warning"
    assert daemon.wait_for("GuardRemoved", gateway=f"AiGateway {namespace.name}/clinic")
    assert 'the first: configmap "extra"' in message()
    assert said in message()

    namespace.apply(config_map("extra", patch_yaml="{}"))
    namespace.wait_config("clinic", "guardrail_name: patients")
    wait_until(lambda: said not in message(), timeout=SECONDS, what="a condition without that warning")

    # Presidio's anonymizer may be a service of its own; no generation changes with an annotation.
    url = f"{ANONYMIZER_ANNOTATION}=http://anonymizer:3000"
    namespace.kubectl("annotate", "guardrailprovider", "service", url)
    namespace.wait_config("clinic", "presidio_anonymizer_api_base: http://anonymizer:3000")


def test_credentials_of_a_guard_stay_in_their_secret(namespace: Namespace, daemon: Daemon) -> None:
    value = "never-to-be-seen-4711"
    namespace.apply(
        secret("moderation", token=value),
        provider(
            "service",
            type="openai-moderation-api",
            openaiModeration={"apiKeySecretRef": {"name": "moderation", "key": "token"}},
        ),
        guard("checked", "service"),
        gateway("guarded", guardrails=[{"name": "checked"}]),
    )
    namespace.wait_ready("guarded")

    container = namespace.existing("Deployment", "guarded")["spec"]["template"]["spec"]["containers"][0]
    sources = [
        variable["valueFrom"]["secretKeyRef"] for variable in container["env"] if "valueFrom" in variable
    ]
    assert {"name": "moderation", "key": "token"} in sources
    assert value not in daemon.text()
    for kind in ("ConfigMap", "Deployment", "Event", "AiGateway"):
        assert value not in str(namespace.list(kind)), kind
    held = daemon.state.rglob("*")
    assert not [file for file in held if file.is_file() and value.encode() in file.read_bytes()]

    before = namespace.hashes("guarded")
    namespace.apply(secret("moderation", token=f"{value}-new"))
    wait_until(
        lambda: namespace.hashes("guarded") != before, timeout=SECONDS, what="pods that take the new key"
    )
