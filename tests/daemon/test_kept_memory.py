"""How much the daemon keeps: bytes of each object, and what freed memory it holds on to."""

import asyncio
import gc
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from gateway_components.daemon.memory import IdleTimer
from gateway_components.daemon.watch.projections import PROJECTIONS, deployment_state, object_state
from tests.daemon.manifests import API_VERSION, gateway, tool_route

NUMBER = 300
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def written(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {f"f:{name}": value for name, value in fields.items()},
    }


def stored(number: int, body: dict[str, Any], *, owned: bool = False) -> dict[str, Any]:
    """Return an object as an API server sends it."""
    owner = {
        "apiVersion": API_VERSION,
        "kind": "AiGateway",
        "name": f"gateway-{number:04}",
        "uid": f"00000000-0000-4000-8000-{number:012}",
        "controller": True,
    }
    shared = {"metadata": {"labels": {"f:app": {}}}, "spec": {"f:template": {"f:spec": {"f:containers": {}}}}}
    metadata = {
        "name": f"gateway-{number:04}",
        "namespace": f"team-{number % 20}",
        "uid": f"11111111-0000-4000-8000-{number:012}",
        "resourceVersion": str(100_000 + number),
        "generation": 1000 + number,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [
            written("litellm-gateways" if owned else "helm", "Apply", **shared),
            written("kubectl", "Update", status={}),
        ],
        **({"ownerReferences": [owner]} if owned else {}),
    }
    return {**body, "metadata": {**body.get("metadata", {}), **metadata}}


def status(number: int, *conditions: str) -> dict[str, Any]:
    common = {"status": "True", "reason": "Applied", "message": f"runs as asked for since {number}"}
    times = {"observedGeneration": 1000 + number, "lastTransitionTime": "2026-01-01T00:00:00Z"}
    url = f"http://gateway-{number:04}.team-{number % 20}.svc.cluster.local:4000"
    return {"url": url, "conditions": [{"type": kind, **common, **times} for kind in conditions]}


def ai_gateway(number: int) -> dict[str, Any]:
    body = gateway("a", "gpt-4o", "gpt-4o-mini", "gpt-4.1")
    body["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(body)}
    return {**stored(number, body), "status": status(number, "AiGatewayReady", "AiGatewayConfigured")}


def route(number: int) -> dict[str, Any]:
    body = tool_route("r", "tools", url=f"https://tools-{number}.example.com/mcp")
    return {**stored(number, body), "status": status(number, "Ready")}


def deployment(number: int) -> dict[str, Any]:
    hashes = {f"runtime.agentic-layer.ai/{name}-hash": f"{number:064}" for name in ("config", "secret")}
    spec = {
        "replicas": 1,
        "template": {"metadata": {"annotations": hashes}, "spec": {"containers": [{}] * 3}},
    }
    return {**stored(number, {"spec": spec}, owned=True), "status": {"observedGeneration": 1, "replicas": 1}}


CASES: list[tuple[str, Callable[[int], dict[str, Any]], Callable[[dict[str, Any]], Any], int]] = [
    ("a gateway", ai_gateway, PROJECTIONS["AiGateway"], 7_000),
    ("a route", route, PROJECTIONS["ToolRoute"], 7_000),
    ("a Deployment of a gateway", deployment, deployment_state, 1_300),
    ("a ConfigMap of a gateway", lambda number: stored(number, {}, owned=True), object_state, 900),
    ("a Secret of somebody", lambda number: stored(number, {}), object_state, 250),
]


@pytest.mark.parametrize(("what", "make", "project", "limit"), CASES, ids=[case[0] for case in CASES])
def test_little_is_kept_of_each_object(
    what: str,
    make: Callable[[int], dict[str, Any]],
    project: Callable[[dict[str, Any]], Any],
    limit: int,
) -> None:
    # As text, so that each object has texts of its own, as from a server.
    texts = [json.dumps(make(number)) for number in range(NUMBER)]
    project(json.loads(texts[0]))
    gc.collect()
    tracemalloc.start()
    try:
        kept = [project(json.loads(text)) for text in texts]
        gc.collect()
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size / len(kept) < limit, what


HEAVY = {
    "kubernetes_asyncio": "models of all of Kubernetes: 36 MB",
    "pulumi_kubernetes.core.v1": "typed resources: 19 MB with those of apps/v1",
}


def test_nothing_heavy_is_loaded() -> None:
    program = "import sys, gateway_components.daemon.run; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())

    assert "gateway_components.engine.stacks" in loaded
    assert not {name: why for name, why in HEAVY.items() if name in loaded}


BURST = """
import sys
import psutil
from gateway_components.daemon.memory import give_back, spare_memory

if sys.argv[1] != "as it comes":
    spare_memory()
# A large block that is freed, as this one at once, makes the C library keep such blocks from then on.
bytearray(20_000_000)
before = psutil.Process().memory_info().rss
blocks = [(bytearray(int(sys.argv[2])), bytearray(1_000)) for _ in range(30_000_000 // int(sys.argv[2]))]
# What stays between them keeps the heap from shrinking.
small = [block[1] for block in blocks]
del blocks
if sys.argv[1] == "given back":
    give_back()
print((psutil.Process().memory_info().rss - before) / 1e6)
"""
BURSTS = [
    ("spared", 300_000, "large blocks go at once"),
    ("given back", 20_000, "small ones while idle"),
]


@pytest.mark.parametrize(("how", "size", "why"), BURSTS, ids=[case[2] for case in BURSTS])
def test_what_a_burst_took_is_given_back(how: str, size: int, why: str) -> None:
    def kept(how: str) -> float:
        return float(subprocess.check_output([sys.executable, "-c", BURST, how, str(size)], text=True))

    assert kept("as it comes") > 20, "else this shows nothing"
    assert kept(how) < 10, why


async def test_memory_is_given_back_while_the_daemon_is_idle() -> None:
    loop = asyncio.get_running_loop()
    given: asyncio.Queue[float] = asyncio.Queue()
    idle = IdleTimer(lambda: given.put_nowait(loop.time()), seconds=0.05)
    for _ in range(5):
        idle.restart()
        last = loop.time()

    assert await asyncio.wait_for(given.get(), timeout=10) >= last + 0.05
    assert given.empty(), "once for all of it"
