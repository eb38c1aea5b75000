"""No name leads a request anywhere else: each is one segment of a path, and nothing else makes paths."""

import ast
from pathlib import Path
from urllib.parse import unquote

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

import gateway_components
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ImpossibleNameError
from gateway_components.kube.resources import DEPLOYMENTS, LEASES, NAMESPACES, SECRETS, ApiPath, Resource
from lab import ControlPlane
from tests.kube.answering import client_of

PACKAGE = Path(gateway_components.__file__).parent
RESOURCES = (SECRETS, DEPLOYMENTS, LEASES, NAMESPACES)

HOSTILE = (
    ("../../kube-system/secrets/x", "another namespace"),
    ("../../../secrets?watch=true", "all namespaces, without an end"),
    ("%2e%2e/%2E%2E/kube-system", "a way up, escaped"),
    ("x/status", "a part of another object"),
    ("x?dryRun=All", "a query"),
    ("x#y", "what is cut off"),
    ("x\r\nHost: elsewhere", "another header"),
    ("x;y=z", "a parameter of a path"),
    ("\\..\\x", "a way up, as some read it"),
    ("\ud800", "half a character"),
    ("ü %", "what is escaped in any case"),
)
HOSTILE_NAMES = [name for name, _ in HOSTILE]


def is_safe(path: ApiPath, resource: Resource, namespace: str, name: str) -> bool:
    *collection, last = path.split("/")
    inner = [*resource.group_path.split("/"), resource.plural]
    if resource.namespaced:
        inner[-1:-1] = ["namespaces", collection[-2]]
        assert unquote(collection[-2], errors="surrogatepass") == namespace
    return (
        collection == inner
        and not set(path) & set("?#;\\ \r\n")
        and path.isascii()
        and unquote(last, errors="surrogatepass") == name
    )


@given(namespace=st.text() | st.sampled_from(HOSTILE_NAMES), name=st.text() | st.sampled_from(HOSTILE_NAMES))
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda found: found.plural)
def test_a_name_is_one_segment_whatever_it_is(resource: Resource, namespace: str, name: str) -> None:
    ways = {"", ".", ".."}
    if name in ways or (namespace in ways - {""} and resource.namespaced):
        with pytest.raises(ImpossibleNameError):
            resource.item(namespace, name)
    elif namespace:
        assert is_safe(resource.item(namespace, name), resource, namespace, name)


# The server of these tests refuses an escaped line break by itself.
@pytest.mark.parametrize(("name", "why"), [case for case in HOSTILE if "\n" not in case[0]])
async def test_a_hostile_name_is_sent_as_one_segment(name: str, why: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.raw_path)
        return web.json_response({"kind": "Status", "reason": "NotFound"}, status=404)

    async with client_of(answer, tmp_path) as client:
        for path in (
            SECRETS.item("team", name),
            SECRETS.item(name, "x"),
            SECRETS.item("team", name, "status"),
        ):
            with pytest.raises(ApiError):
                await client.get(path)

    first, second, third = (path.split("/") for path in asked)
    assert first[:6] == ["", "api", "v1", "namespaces", "team", "secrets"]
    assert (len(first), len(second), len(third)) == (7, 7, 8)
    assert (second[5:], third[7]) == (["secrets", "x"], "status")
    assert not [path for path in asked if "?" in path]


async def test_the_api_server_knows_no_object_of_a_hostile_name(
    lab: ControlPlane, lab_namespace: str
) -> None:
    async with await KubeClient.connect(lab.kubeconfig) as client:
        for name in HOSTILE_NAMES:
            try:
                assert await client.get(SECRETS.item(lab_namespace, name)) is None
            except ApiError as error:
                # Of half a character it says another name.
                assert error.status in (400, 404)  # noqa: PT017


def test_paths_are_made_in_one_module() -> None:
    makers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and "ApiPath" in ast.unparse(node)
        # The type checker lets no other text through to the client.
        if ast.unparse(node.func) == "ApiPath" or "cast" in ast.unparse(node.func)
    }
    prefixes = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if node.value.startswith(("/api/", "/apis/", "/namespaces/"))
    }

    assert makers == {"kube/resources.py"}
    assert prefixes <= {"kube/resources.py", "kube/presence.py", "kube/transport.py"}
