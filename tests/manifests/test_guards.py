"""Guards and their providers in manifest files."""

import yaml

from gateway_components.manifests.stack import ManifestStack
from tests.manifests.conftest import Read
from tests.manifests.texts import GATEWAY, GUARD, GUARDED, PROVIDER, TOOLS, joined

ALONE = "only the given files are looked at"
THRESHOLD = f"{GUARD}  presidio: {{scoreThresholds: {{ALL: high}}}}\n"


def _guardrails(stack: ManifestStack) -> list[str]:
    assert not stack.errors
    (found,) = stack.plan.gateways.values()
    assert found.objects is not None
    config = yaml.safe_load(found.objects.config_map["data"]["config.yaml"])
    return [entry["guardrail_name"] for entry in config["guardrails"]]


def test_a_guard_in_the_files_is_used_and_not_created(read: Read) -> None:
    stack = read(GUARDED, GUARD, PROVIDER)
    assert _guardrails(stack) == ["pii"]
    assert not stack.findings
    assert not stack.companions


def test_guards_and_providers_may_be_in_other_namespaces(read: Read) -> None:
    elsewhere = [
        text.replace("metadata:\n", "metadata:\n  namespace: safety\n") for text in (GUARD, PROVIDER)
    ]
    stack = read(GUARDED.replace("name: pii", "name: pii\n      namespace: safety"), *elsewhere)
    assert _guardrails(stack) == ["pii"]


def test_a_missing_guard(read: Read) -> None:
    (finding,) = read(GUARDED, PROVIDER).errors
    assert (finding.line, finding.field) == (11, "spec.guardrails[0]")
    assert finding.message == "Guard default/pii does not exist"
    assert finding.cure.endswith(ALONE)


def test_a_missing_provider_is_reported_at_its_guard(read: Read) -> None:
    (finding,) = read(GUARDED, joined(TOOLS, GUARD)).errors
    assert "GuardrailProvider default/presidio" in finding.message
    assert finding.message.endswith(f"(Guard default/pii: {finding.file.replace('0.yaml', '1.yaml')}:8)")
    assert finding.cure.endswith(ALONE)


def test_a_fault_of_a_guard_names_guard_and_provider_places(read: Read) -> None:
    (finding,) = read(GUARDED, joined(THRESHOLD, PROVIDER)).errors
    guards = finding.file.replace("0.yaml", "1.yaml")
    assert (str(finding.subject), finding.line) == ("AiGateway example", 11)
    assert finding.message.endswith(
        f"(Guard default/pii: {guards}:1; GuardrailProvider default/presidio: {guards}:{THRESHOLD.count(chr(10)) + 2})"
    )
    assert ALONE not in finding.cure


def test_a_broken_guard_is_not_taken_for_a_missing_one(read: Read) -> None:
    stack = read(GUARDED, f"{GUARD}  modus: x\n", PROVIDER)
    gateway, guard = stack.errors
    assert gateway.message.startswith(
        "Guard default/pii cannot be read: its manifest has errors (Guard default/pii:"
    )
    assert gateway.cure == "correct that Guard"
    assert guard.field == "spec.modus"


def test_a_reference_to_another_kind_asks_for_no_files(read: Read) -> None:
    (finding,) = read(GUARDED.replace("name: pii", "name: pii\n      kind: ToolServer")).errors
    assert finding.message.startswith("a guardrail refers to ")
    assert ALONE not in finding.cure


def test_a_dropped_mode_is_warned_with_the_guards_place(read: Read) -> None:
    guarded = f"{TOOLS}  guardrails:\n    - name: pii\n"
    stack = read(guarded, GUARD.replace("[pre_call]", "[pre_call, post_call]"), PROVIDER)
    (finding,) = (found for found in stack.findings if "the mode post_call" in found.message)
    assert (finding.severity, str(finding.subject), finding.line) == ("warning", "ToolGateway tools", 8)
    assert "1.yaml:1" in finding.message
    assert _guardrails(stack) == ["pii"]


def test_a_credential_that_is_ignored_is_a_warning(read: Read) -> None:
    stack = read(GUARDED, GUARD, f"{PROVIDER}    apiKeySecretRef: {{name: s, key: k}}\n")
    (finding,) = stack.findings
    assert (finding.severity, finding.line, finding.field) == ("warning", 11, "spec.guardrails[0]")
    assert "has an API key, but LiteLLM sends none to Presidio" in finding.message


def test_guards_that_nothing_refers_to_are_ignored(read: Read) -> None:
    assert not read(GATEWAY, GUARD, PROVIDER).findings
