"""A gateway whose objects the API server never answers for: its neighbours do not wait for it."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from lab import wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import Forward, Hits


def writes_of(name: str) -> Hits:
    """Hit what would change an object of this name."""
    return lambda request: request.method != "GET" and name in request.path.split("/")


async def no_answer(_: web.Request, __: Forward) -> web.StreamResponse:
    """Keep who asks waiting."""
    await asyncio.Event().wait()
    raise AssertionError


def tries(api: FaultyApi, name: str) -> Callable[[], int]:
    return lambda: sum(method != "GET" and name in path.split("/") for method, path, _ in api.asked)


def test_edits_of_others_are_applied_while_one_hangs(
    api: FaultyApi, ward: Namespace, patient: Daemon
) -> None:
    ward.apply(gateway("well"))
    ward.wait_ready("well")
    tried = tries(api, "stuck")
    with api.fault(no_answer, writes_of("stuck")):
        ward.apply(gateway("stuck"))
        wait_until(tried, timeout=SECONDS, what="the first run that hangs")

        # One that nobody knew to hang is given some seconds.
        ward.apply(gateway("well", "one"))
        ward.wait_config("well", "openai/one")
        first, *_ = patient.events("run preempted", namespace=ward.name)
        assert first["gateways"] == ["stuck"]

        before = tried()
        wait_until(lambda: tried() > before, timeout=SECONDS, what="the retry that hangs")
        ward.apply(gateway("well", "two"))
        ward.wait_config("well", "openai/two")
        ward.wait_ready("well")

        assert not patient.events("AiGatewayConfigured", gateway=f"AiGateway {ward.name}/stuck")

    ward.wait_ready("stuck")
