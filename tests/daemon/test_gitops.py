"""How tools see gateways and routes that know none of our conditions: kubectl, kstatus."""

from typing import Any

from tests.daemon.harness import PATCH_ANNOTATION, SECONDS, Namespace
from tests.daemon.manifests import config_map, gateway, tool_gateway, tool_route
from tests.plan.kstatus import kstatus

PATCHED = {PATCH_ANNOTATION: "patch"}


def _awaited(namespace: Namespace, condition: str, *names: str) -> None:
    namespace.kubectl("wait", f"--for=condition={condition}", f"--timeout={SECONDS:.0f}s", *names)


def _seen(namespace: Namespace, kind: str, name: str) -> tuple[str, set[str]]:
    found: dict[str, Any] = namespace.existing(kind, name)
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"]
    unusual = {"Reconciling", "Stalled"} & namespace.conditions(name, kind).keys()
    return kstatus(found), unusual


def test_what_is_broken_is_seen_as_broken_until_it_is_fixed(namespace: Namespace) -> None:
    namespace.apply(
        gateway("chat"),
        gateway("broken", annotations=PATCHED),
        tool_gateway("tools"),
        tool_gateway("torn", annotations=PATCHED),
        tool_route("served", "tools"),
        tool_route("lost", "torn"),
    )
    _awaited(namespace, "Ready", "aigateway/chat", "toolgateway/tools", "toolroute/served")
    for kind, name in (("AiGateway", "chat"), ("ToolGateway", "tools"), ("ToolRoute", "served")):
        assert _seen(namespace, kind, name) == ("Current", set())

    faulty = ("aigateway/broken", "toolgateway/torn", "toolroute/lost")
    _awaited(namespace, "Stalled", *faulty)
    _awaited(namespace, "Ready=false", *faulty)
    for kind, name in (("AiGateway", "broken"), ("ToolGateway", "torn"), ("ToolRoute", "lost")):
        assert _seen(namespace, kind, name) == ("Failed", {"Stalled"})

    namespace.apply(config_map("patch", patch_yaml="{}"))
    _awaited(namespace, "Ready", *faulty)
    for kind, name in (("AiGateway", "broken"), ("ToolGateway", "torn"), ("ToolRoute", "lost")):
        assert _seen(namespace, kind, name) == ("Current", set())
