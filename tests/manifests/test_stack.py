"""From manifest files to a plan."""

import pytest

from gateway_components.identity import Identity
from gateway_components.manifests.stack import ManifestStack
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.snapshot import content_digest
from tests.manifests.conftest import Read
from tests.manifests.texts import EXTERNAL, GATEWAY, PATCH, PATCHED, SECRET, TOOLS, gateway_class, joined

KEY = Identity("AiGateway", "default", "example")
OURS = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
CLASSLESS = GATEWAY.replace("  aiGatewayClassName: litellm\n", "")


def _objects(stack: ManifestStack, key: Identity = KEY) -> GatewayObjects:
    assert not stack.findings
    objects = stack.plan.gateways[key].objects
    assert objects is not None
    return objects


def _annotation(objects: GatewayObjects, name: str) -> str:
    annotations = objects.deployment["spec"]["template"]["metadata"]["annotations"]
    return str(annotations[f"runtime.agentic-layer.ai/{name}"])


def test_the_shipped_class_needs_no_manifest(read: Read) -> None:
    assert _objects(read(GATEWAY)).url == "http://example.default.svc.cluster.local"


def test_the_given_namespace_is_for_objects_without_one(read: Read) -> None:
    other = GATEWAY.replace("  name: example\n", "  name: example\n  namespace: own\n")
    stack = read(GATEWAY, other, PATCH, namespace="team")
    assert [key.namespace for key in stack.plan.gateways] == ["own", "team"]
    assert [found["metadata"]["namespace"] for found in stack.companions] == ["team"]


def test_patch_beside_its_gateway_is_merged_and_created(read: Read) -> None:
    stack = read(PATCHED, PATCH)
    assert "least-busy" in _objects(stack).config_map["data"]["config.yaml"]
    assert [found["metadata"]["name"] for found in stack.companions] == ["extra"]


def test_patch_of_another_namespace_is_not_found(read: Read) -> None:
    elsewhere = PATCH.replace("  name: extra\n", "  name: extra\n  namespace: elsewhere\n")
    (finding,) = read(PATCHED, elsewhere).findings
    assert 'configmap "extra" not found' in finding.message


def test_json_and_lists_are_manifests(read: Read) -> None:
    items = "".join(
        f"- {line}" if line.startswith("api") else f"  {line}" for line in GATEWAY.splitlines(keepends=True)
    )
    _objects(read(f"apiVersion: v1\nkind: List\nitems:\n{items}"))


def test_a_default_class_takes_a_gateway_without_one(read: Read) -> None:
    _objects(read(joined(gateway_class("house", OURS, default=True), CLASSLESS)))


def test_another_controllers_gateway_is_left_out_and_warned(read: Read) -> None:
    stack = read(joined(GATEWAY.replace("litellm", "other"), gateway_class("other", "example.com/c")))
    (finding,) = stack.findings
    assert (finding.severity, finding.line, finding.field) == ("warning", 6, "spec.aiGatewayClassName")
    assert finding.message == "class other belongs to another controller; the gateway is left out"
    assert not stack.plan.gateways
    assert not stack.errors


def test_a_secret_has_the_hash_that_it_has_on_a_cluster(read: Read) -> None:
    text = f"{SECRET}data:\n  A: |\n    aGVs\n    bG8=\n  OPENAI_API_KEY: b2xk\nstringData:\n  OPENAI_API_KEY: new\n"
    stack = read(GATEWAY, text)
    assert _annotation(_objects(stack), "secret-hash") == content_digest(
        {"A": "hello", "OPENAI_API_KEY": "new"}
    )


def test_binary_data_has_the_hash_that_it_has_on_a_cluster(read: Read) -> None:
    referring = f"{GATEWAY}  envFrom: [{{configMapRef: {{name: extra}}}}]\n"
    with_binary, without = read(referring, f"{PATCH}binaryData: {{b: /w==}}\n"), read(referring, PATCH)
    assert _annotation(_objects(with_binary), "env-hash") != _annotation(_objects(without), "env-hash")


def test_uid_of_an_exported_gateway_owns_nothing(read: Read) -> None:
    exported = GATEWAY.replace("  name: example\n", "  name: example\n  uid: f00\n  resourceVersion: '7'\n")
    for manifest in _objects(read(exported)).manifests:
        assert "ownerReferences" not in manifest["metadata"]


def test_a_broken_gateway_leaves_the_others_alone(read: Read) -> None:
    stack = read(
        GATEWAY,
        PATCHED.replace("name: example", "name: broken"),
        GATEWAY.replace("name: gpt-4o", "name: ''").replace("name: example", "name: bad"),
    )
    assert [key.name for key, found in stack.plan.gateways.items() if found.objects] == ["example"]
    assert [str(finding.subject) for finding in stack.errors] == ["AiGateway broken", "AiGateway bad"]


def test_findings_come_in_the_order_of_files_and_lines(read: Read) -> None:
    bad = GATEWAY.replace("gpt-4o", "''").replace("spec:\n", "spec:\n  port: 0\n")
    stack = read(bad, "a: [", "kind: Pod\n")
    places = [(finding.file[-6:], finding.line) for finding in stack.findings]
    assert places == [("0.yaml", 6), ("0.yaml", 9), ("1.yaml", 2), ("2.yaml", 1)]


def test_nothing_is_read_twice_without_notice(read: Read) -> None:
    (finding,) = read(GATEWAY, joined(PATCH, GATEWAY)).findings
    assert finding.file.endswith("1.yaml")
    assert (finding.line, finding.field, finding.cure) == (12, "metadata.name", "remove one of them")
    assert finding.message.startswith("duplicate object, first in ")
    assert finding.message.endswith("0.yaml line 1")


def test_two_classes_of_one_name_clash_in_any_namespaces(read: Read) -> None:
    spaced = gateway_class("house", OURS).replace("{name: house,", "{name: house, namespace: x,")
    (finding,) = read(joined(gateway_class("house", OURS), spaced)).findings
    assert "duplicate object" in finding.message


@pytest.mark.parametrize("text", [GATEWAY, PATCH, SECRET])
def test_objects_of_one_name_in_two_namespaces_are_two(read: Read, text: str) -> None:
    other = text.replace("metadata:\n", "metadata:\n  namespace: other\n")
    assert not read(text, other).findings


def test_a_namespace_is_taken_without_what_a_cluster_wrote(read: Read) -> None:
    exported = (
        "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: edge\n  uid: f00\n  resourceVersion: '7'\n"
        "  labels: {tier: ai}\nspec: {finalizers: [kubernetes]}\nstatus: {phase: Active}\n"
    )
    stack = read(exported, GATEWAY.replace("  name: example\n", "  name: example\n  namespace: edge\n"))
    assert not stack.findings
    metadata = {"name": "edge", "labels": {"tier": "ai"}}
    assert stack.namespaces == ({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata},)


def test_a_duplicate_namespace_is_reported_where_it_differs(read: Read) -> None:
    text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: edge}\n"
    assert not read(text, text).findings
    (finding,) = read(text, text.replace("edge", "edge, labels: {tier: ai}")).findings
    assert "duplicate object" in finding.message


def test_gateways_and_routes_of_others_are_no_errors(read: Read) -> None:
    theirs = TOOLS.replace("litellm", "agentgateway")
    unnamed = TOOLS.replace("  toolGatewayClassName: litellm\n", "  env: []\n").replace("tools", "more")
    attached = EXTERNAL.replace("{name: tools}", "{name: more}").replace("weather\n", "news\n", 1)
    stack = read(joined(GATEWAY, theirs, unnamed, EXTERNAL, attached), "apiVersion: v1\nkind: Pod\n")
    assert [str(key) for key in stack.plan.gateways] == [str(KEY)]
    assert not stack.plan.routes
    assert not stack.errors
    assert len(stack.findings) == 5, (
        "each gateway and route has its word, and what is of other kinds one in all"
    )


def test_no_file_gives_an_empty_plan(read: Read) -> None:
    stack = read("")
    assert (stack.plan.gateways, stack.companions, stack.namespaces, stack.findings) == ({}, (), (), ())
