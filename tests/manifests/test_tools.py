"""Tool gateways, routes and tool servers of manifest files."""

from pathlib import Path

import pytest

from gateway_components.manifests.stack import ManifestStack
from gateway_components.plan.keys import GatewayKey, RouteKey
from gateway_components.plan.kinds import TOOL_GATEWAY
from tests.manifests.conftest import Read
from tests.manifests.texts import EXTERNAL, GROUP, ROUTE, SERVER, TOOLS, joined

KEY = GatewayKey("ToolGateway", "default", "tools")
URL = "http://tools.default.svc.cluster.local/mcp"
FOREIGN = f"""\
apiVersion: {GROUP}
kind: ToolGatewayClass
metadata: {{name: other}}
spec: {{controller: example.com/c}}
"""
ALONE = "only the given files are looked at"

TOLD: tuple[tuple[str, str, str], ...] = (
    (
        joined(TOOLS, ROUTE),
        (
            "16: error: ToolRoute files: spec.upstream.toolServerRef: ToolServer default/server does not exist; "
            f"create it, or correct the reference; {ALONE}"
        ),
        "a server that only a cluster may hold",
    ),
    (
        EXTERNAL,
        (
            "6: error: ToolRoute weather: spec.toolGatewayRef: ToolGateway default/tools does not exist; "
            f"create it, or correct the reference; {ALONE}"
        ),
        "a gateway that only a cluster may hold",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("//weather.example.com", "//user@weather.example.com")),
        (
            "16: error: ToolRoute weather: spec.upstream.external.url: the URL holds a user or password, "
            "which everyone could read"
        ),
        "the URL has its own line",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("{name: tools}", "{name: tools, kind: AiGateway}")),
        "13: error: ToolRoute weather: spec.toolGatewayRef.kind: the route refers to ",
        "a gateway of the wrong kind",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("  toolGatewayRef: {name: tools}\n", "")),
        (
            "12: warning: ToolRoute weather: spec.toolGatewayRef: the route names no gateway, so none serves it; "
            "name a ToolGateway"
        ),
        "a detached route",
    ),
    (
        joined(TOOLS, f"{EXTERNAL}  toolFilter:\n    deny: [a, 'b*']\n"),
        '18: warning: ToolRoute weather: spec.toolFilter.deny: LiteLLM takes "b*" for the name of a tool',
        "what LiteLLM does otherwise than asked",
    ),
    (
        TOOLS.replace("litellm", "gone"),
        "6: error: ToolGateway tools: spec.toolGatewayClassName: there is no class gone; name one of: litellm",
        "the field of the class has the name of its kind",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("  upstream:\n", "  upstreem: {}\n  upstream:\n")),
        "14: error: ToolRoute weather: spec.upstreem: is not a field of this kind; Did you mean upstream?",
        "a slip in a route",
    ),
    (
        SERVER.replace("9000", "'9000'"),
        '9: error: ToolServer server: spec.port: is the text "9000", but must be a whole number',
        "a server is judged though nothing refers to it",
    ),
)


def _config(stack: ManifestStack) -> str:
    objects = stack.plan.gateways[KEY].objects
    assert objects is not None
    return str(objects.config_map["data"]["config.yaml"])


def test_routes_of_files_are_served_under_their_urls(read: Read) -> None:
    stack = read(TOOLS, joined(ROUTE, SERVER), EXTERNAL)
    assert not stack.findings
    assert [route.url for route in stack.routes_of(KEY)] == [
        f"{URL}/default__files",
        f"{URL}/default__weather",
    ]
    assert "http://server.default.svc.cluster.local:9000/mcp" in _config(stack)
    assert "https://weather.example.com/sse" in _config(stack)


def test_a_default_class_takes_a_tool_gateway_without_one(read: Read) -> None:
    house = (
        FOREIGN.replace("other", "house").replace("example.com/c", TOOL_GATEWAY.controller)
        + "---\n"
        + TOOLS.replace("spec:\n  toolGatewayClassName: litellm\n", "")
    )
    assert [finding.field for finding in read(house).findings] == ["spec.toolGatewayClassName"]
    annotation = f'house, annotations: {{{TOOL_GATEWAY.default_class_annotation}: "true"}}'
    assert not read(house.replace("name: house", f"name: {annotation}")).findings


def test_a_tool_server_is_read_and_not_created(read: Read) -> None:
    stack = read(joined(TOOLS, ROUTE, SERVER))
    assert not stack.companions
    assert list(stack.plan.gateways) == [KEY]


def test_routes_may_be_in_other_namespaces_than_gateway_and_server(read: Read) -> None:
    route = ROUTE.replace("name: tools", "name: tools\n    namespace: default").replace(
        "name: server", "name: server\n      namespace: default"
    )
    stack = read(joined(TOOLS, SERVER, route.replace("  name: files", "  name: files\n  namespace: own")))
    assert not stack.findings
    assert [route.key for route in stack.routes_of(KEY)] == [RouteKey("own", "files")]


@pytest.mark.parametrize(("text", "told", "why"), TOLD, ids=[case[2] for case in TOLD])
def test_finding(read: Read, text: str, told: str, why: str) -> None:
    (finding,) = read(text).findings
    assert str(finding).startswith(f"{finding.file}:{told}"), why


def test_a_broken_route_leaves_the_others_alone(read: Read) -> None:
    stack = read(joined(TOOLS, ROUTE), EXTERNAL)
    assert [route.key.name for route in stack.routes_of(KEY)] == ["weather"]
    assert "default__files" not in _config(stack)
    assert [finding.subject for finding in stack.errors] == ["ToolRoute files"]


def test_a_broken_server_is_not_taken_for_a_missing_one(read: Read) -> None:
    stack = read(joined(TOOLS, ROUTE), SERVER.replace("9000", "0"))
    route, server = stack.findings
    assert route.message == (
        "ToolServer default/server cannot be read: its manifest is at fault "
        f"(ToolServer default/server: {server.file}:1)"
    )
    assert route.cure == "correct that ToolServer"
    assert (server.field, server.line) == ("spec.port", 9)


def test_a_broken_gateway_is_not_taken_for_a_missing_one(read: Read) -> None:
    stack = read(f"{TOOLS}  prot: 80\n", EXTERNAL)
    (finding,) = stack.findings
    assert (finding.subject, finding.field) == ("ToolGateway tools", "spec.prot")


def test_a_route_of_a_gateway_of_others_is_left_out_with_a_warning(read: Read) -> None:
    stack = read(joined(TOOLS.replace("litellm", "other"), FOREIGN), EXTERNAL)
    gateway, route = stack.findings
    assert gateway.message == "class other belongs to another controller; the gateway is left out"
    assert route.message == "ToolGateway default/tools belongs to another controller; the route is left out"
    assert (route.severity, route.line) == ("warning", 6)
    assert not stack.plan.routes


def test_two_routes_with_one_key_are_told_with_the_place_of_the_other(read: Read) -> None:
    gateway = TOOLS.replace("  name: tools\n", "  name: tools\n  namespace: a\n")
    attached = EXTERNAL.replace("{name: tools}", "{name: tools, namespace: a}")
    first = attached.replace("  name: weather\n", "  name: b--c\n  namespace: a\n")
    second = attached.replace("  name: weather\n", "  name: c\n  namespace: a--b\n")
    stack = read(gateway, first, second)
    (finding,) = stack.findings
    assert finding.subject == "ToolRoute a--b/c"
    assert finding.field == "metadata.name"
    assert finding.message.endswith(f"(ToolRoute a/b--c: {finding.file.replace('2.yaml', '1.yaml')}:1)")


def test_gateways_of_two_kinds_and_one_name_are_told_with_the_place_of_the_other(read: Read) -> None:
    ai_gateway = (
        f"apiVersion: {GROUP}\nkind: AiGateway\nmetadata: {{name: tools}}\n"
        "spec: {aiGatewayClassName: litellm, aiModels: [{name: gpt-4o, provider: openai}]}\n"
    )
    (finding,) = read(joined(TOOLS, ai_gateway)).findings
    assert (finding.subject, finding.line) == ("ToolGateway tools", 4)
    assert finding.message.endswith(f"(AiGateway default/tools: {finding.file}:8)")


def test_only_the_manifest_says_which_of_two_routes_is_older(read: Read) -> None:
    gateway = TOOLS.replace("  name: tools\n", "  name: tools\n  namespace: a\n")
    attached = EXTERNAL.replace("{name: tools}", "{name: tools, namespace: a}")
    young = attached.replace(
        "  name: weather\n", "  name: b--c\n  namespace: a\n  creationTimestamp: '2025-02-01T00:00:00Z'\n"
    )
    old = attached.replace(
        "  name: weather\n", "  name: c\n  namespace: a--b\n  creationTimestamp: '2025-01-01T00:00:00Z'\n"
    )
    (finding,) = read(gateway, young, old).findings
    assert Path(finding.file).name == "1.yaml"
