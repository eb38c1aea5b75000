"""Tool gateways, routes and tool servers of manifest files."""

from pathlib import Path

import pytest

from gateway_components.api.kinds import TOOL_GATEWAY
from gateway_components.identity import Identity
from gateway_components.manifests.stack import ManifestStack
from tests.manifests.conftest import Read
from tests.manifests.texts import EXTERNAL, GROUP, ROUTE, SERVER, TOOLS, joined

KEY = Identity("ToolGateway", "default", "tools")
URL = "http://tools.default.svc.cluster.local/mcp"
FOREIGN = f"""\
apiVersion: {GROUP}
kind: ToolGatewayClass
metadata: {{name: other}}
spec: {{controller: example.com/c}}
"""
ALONE = "only the given files are looked at"

REPORTED: tuple[tuple[str, str, str], ...] = (
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
            "6: warning: ToolRoute weather: spec.toolGatewayRef: ToolGateway default/tools is not among the files; "
            "the route is left out"
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
        joined(TOOLS, f"{EXTERNAL}  toolFilter:\n    allow: [a, 'b*']\n"),
        "18: warning: ToolRoute weather: spec.toolFilter.allow: LiteLLM compares whole tool names",
        "what LiteLLM does otherwise than asked",
    ),
    (
        joined(TOOLS, f"{EXTERNAL}  toolFilter:\n    deny: [a, 'b*']\n"),
        "18: error: ToolRoute weather: spec.toolFilter.deny: LiteLLM compares whole tool names",
        "what would hold nothing back",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("https://weather.example.com", "http://127.1")),
        "16: error: ToolRoute weather: spec.upstream.external.url: the URL leads to a loopback address",
        "an address of the gateway's own",
    ),
    (
        joined(TOOLS.replace("name: tools", "name: tool-gateway"), EXTERNAL.replace("tools", "tool-gatway")),
        (
            "13: error: ToolRoute weather: spec.toolGatewayRef: ToolGateway default/tool-gatway is not among the "
            "files; the route is left out; did you mean tool-gateway?"
        ),
        "a gateway's name with a slip",
    ),
    (
        joined(TOOLS.replace("name: tools", "name: tools\n  namespace: platform"), EXTERNAL),
        (
            "14: warning: ToolRoute weather: spec.toolGatewayRef: ToolGateway default/tools is not among the files; "
            "the route is left out; did you mean ToolGateway platform/tools?"
        ),
        "a gateway of that name in another namespace",
    ),
    (
        TOOLS.replace("litellm", "gone"),
        (
            "6: warning: ToolGateway tools: spec.toolGatewayClassName: class gone is not among the files, so another "
            "controller runs it; the gateway is left out"
        ),
        "the field of the class has the name of its kind",
    ),
    (
        joined(TOOLS, EXTERNAL.replace("  upstream:\n", "  upstreem: {}\n  upstream:\n")),
        "14: error: ToolRoute weather: spec.upstreem: is not a field of this kind; did you mean upstream?",
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


def test_route_gateway_and_server_may_differ_in_namespace(read: Read) -> None:
    route = ROUTE.replace("name: tools", "name: tools\n    namespace: default").replace(
        "name: server", "name: server\n      namespace: default"
    )
    stack = read(joined(TOOLS, SERVER, route.replace("  name: files", "  name: files\n  namespace: own")))
    assert [finding.severity for finding in stack.findings] == ["warning"], "of tools that are shared"
    assert [route.key for route in stack.routes_of(KEY)] == [Identity("ToolRoute", "own", "files")]


@pytest.mark.parametrize(("text", "reported", "why"), REPORTED, ids=[case[2] for case in REPORTED])
def test_finding(read: Read, text: str, reported: str, why: str) -> None:
    (finding,) = read(text).findings
    assert str(finding).startswith(f"{finding.file}:{reported}"), why


def test_a_broken_route_leaves_the_others_alone(read: Read) -> None:
    stack = read(joined(TOOLS, ROUTE), EXTERNAL)
    assert [route.key.name for route in stack.routes_of(KEY)] == ["weather"]
    assert "default__files" not in _config(stack)
    assert [str(finding.subject) for finding in stack.errors] == ["ToolRoute files"]


def test_a_broken_server_is_not_taken_for_a_missing_one(read: Read) -> None:
    stack = read(joined(TOOLS, ROUTE), SERVER.replace("9000", "0"))
    route, server = stack.findings
    assert route.message == (
        "ToolServer default/server cannot be read: its manifest has errors "
        f"(ToolServer default/server: {server.file}:1)"
    )
    assert route.cure == "correct that ToolServer"
    assert (server.field, server.line) == ("spec.port", 9)


def test_a_broken_gateway_is_not_taken_for_a_missing_one(read: Read) -> None:
    stack = read(f"{TOOLS}  prot: 80\n", EXTERNAL)
    (finding,) = stack.findings
    assert (str(finding.subject), finding.field) == ("ToolGateway tools", "spec.prot")


def test_a_route_of_another_controller_is_left_out_and_warned(read: Read) -> None:
    stack = read(joined(TOOLS.replace("litellm", "other"), FOREIGN), EXTERNAL)
    gateway, route = stack.findings
    assert gateway.message == "class other belongs to another controller; the gateway is left out"
    assert route.message == "ToolGateway default/tools is left out, and so is the route"
    assert (route.severity, route.line) == ("warning", 6)
    assert not stack.plan.routes


def test_a_route_with_a_taken_key_names_where_the_other_is(read: Read) -> None:
    gateway = TOOLS.replace("  name: tools\n", "  name: tools\n  namespace: a\n")
    attached = EXTERNAL.replace("{name: tools}", "{name: tools, namespace: a}")
    first = attached.replace("  name: weather\n", "  name: b--c\n  namespace: a\n")
    second = attached.replace("  name: weather\n", "  name: c\n  namespace: a--b\n")
    stack = read(gateway, first, second)
    (finding,) = stack.findings
    assert str(finding.subject) == "ToolRoute a--b/c"
    assert finding.field == "metadata.name"
    assert finding.message.endswith(f"(ToolRoute a/b--c: {finding.file.replace('2.yaml', '1.yaml')}:1)")


def test_gateways_of_one_name_name_where_the_other_is(read: Read) -> None:
    ai_gateway = (
        f"apiVersion: {GROUP}\nkind: AiGateway\nmetadata: {{name: tools}}\n"
        "spec: {aiGatewayClassName: litellm, aiModels: [{name: gpt-4o, provider: openai}]}\n"
    )
    (finding,) = read(joined(TOOLS, ai_gateway)).findings
    assert (str(finding.subject), finding.line) == ("ToolGateway tools", 4)
    assert finding.message.endswith(f"(AiGateway default/tools: {finding.file}:8)")


def test_only_the_manifest_says_which_of_two_routes_is_older(read: Read) -> None:
    gateway = TOOLS.replace("  name: tools\n", "  name: tools\n  namespace: home\n")
    attached = EXTERNAL.replace("{name: tools}", "{name: tools, namespace: home}")
    young = attached.replace(
        "  name: weather\n", "  name: b--c\n  namespace: a\n  creationTimestamp: '2025-02-01T00:00:00Z'\n"
    )
    old = attached.replace(
        "  name: weather\n", "  name: c\n  namespace: a--b\n  creationTimestamp: '2025-01-01T00:00:00Z'\n"
    )
    (finding,) = read(gateway, young, old).errors
    assert Path(finding.file).name == "1.yaml"
