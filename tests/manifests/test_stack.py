"""From manifest files to a plan."""

import pytest

from gateway_components.manifests.stack import ManifestStack
from gateway_components.plan.hashes import content_digest
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.workload import GatewayObjects
from tests.manifests.conftest import Read
from tests.manifests.texts import GATEWAY, PATCH, PATCHED, SECRET, gateway_class, joined

KEY = GatewayKey("AiGateway", "default", "example")
OURS = "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
CLASSLESS = GATEWAY.replace("  aiGatewayClassName: litellm\n", "")


def _objects(stack: ManifestStack, key: GatewayKey = KEY) -> GatewayObjects:
    assert not stack.findings
    objects = stack.plan.gateways[key].objects
    assert objects is not None
    return objects


def _annotation(objects: GatewayObjects, name: str) -> str:
    annotations = objects.deployment["spec"]["template"]["metadata"]["annotations"]
    return str(annotations[f"runtime.agentic-layer.ai/{name}"])


def test_the_shipped_class_needs_no_manifest(read: Read) -> None:
    assert _objects(read(GATEWAY)).url == "http://example.default.svc.cluster.local"


def test_objects_without_a_namespace_get_the_given_one_and_the_others_keep_theirs(read: Read) -> None:
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


def test_gateway_of_another_controller_is_left_out_with_a_warning(read: Read) -> None:
    stack = read(joined(GATEWAY.replace("litellm", "other"), gateway_class("other", "example.com/c")))
    (finding,) = stack.findings
    assert (finding.severity, finding.line, finding.field) == ("warning", 6, "spec.aiGatewayClassName")
    assert finding.message == "class other belongs to another controller; the gateway is left out"
    assert not stack.plan.gateways
    assert not stack.errors


def test_secret_data_and_string_data_have_the_hash_they_have_on_a_cluster(read: Read) -> None:
    text = f"{SECRET}data:\n  A: |\n    aGVs\n    bG8=\n  B: b2xk\nstringData:\n  B: new\n"
    stack = read(GATEWAY, text)
    assert _annotation(_objects(stack), "secret-hash") == content_digest({"A": "hello", "B": "new"})


def test_config_map_with_binary_data_has_the_hash_it_has_on_a_cluster(read: Read) -> None:
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
    assert [finding.subject for finding in stack.errors] == ["AiGateway broken", "AiGateway bad"]


def test_findings_come_in_the_order_of_files_and_lines(read: Read) -> None:
    bad = GATEWAY.replace("gpt-4o", "''").replace("spec:\n", "spec:\n  port: 0\n")
    stack = read(bad, "a: [", "kind: Pod\n")
    places = [(finding.file[-6:], finding.line) for finding in stack.findings]
    assert places == [("0.yaml", 6), ("0.yaml", 9), ("1.yaml", 2), ("2.yaml", 1)]


def test_nothing_is_read_twice_without_notice(read: Read) -> None:
    (finding,) = read(GATEWAY, joined(PATCH, GATEWAY)).findings
    assert finding.file.endswith("1.yaml")
    assert (finding.line, finding.field, finding.cure) == (12, "metadata.name", "remove one of them")
    assert finding.message.startswith("this object stands twice, first in ")
    assert finding.message.endswith("0.yaml line 1")


def test_a_class_belongs_to_the_cluster_and_so_stands_twice_in_any_namespaces(read: Read) -> None:
    spaced = gateway_class("house", OURS).replace("{name: house,", "{name: house, namespace: x,")
    (finding,) = read(joined(gateway_class("house", OURS), spaced)).findings
    assert "stands twice" in finding.message


@pytest.mark.parametrize("text", [GATEWAY, PATCH, SECRET])
def test_objects_of_one_name_in_two_namespaces_are_two(read: Read, text: str) -> None:
    other = text.replace("metadata:\n", "metadata:\n  namespace: other\n")
    assert not read(text, other).findings


def test_no_file_gives_an_empty_plan(read: Read) -> None:
    stack = read("")
    assert (stack.plan.gateways, stack.companions, stack.findings) == ({}, (), ())
