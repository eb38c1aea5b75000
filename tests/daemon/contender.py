"""One who wants to lead, on a scripted API server in virtual time."""

import asyncio

from gateway_components.daemon.leader import Leader, Terms
from tests.kube.lease_server import Connection, LeaseServer, candidate

TERMS = Terms()


def time() -> float:
    return asyncio.get_running_loop().time()


class Contender:
    """A candidate: waits to lead, leads until it is over, and says so."""

    def __init__(self, server: LeaseServer, name: str) -> None:
        self.name = name
        self.connection = Connection(server)
        self.leader = Leader(candidate(self.connection, name, time), TERMS, time)
        self.led_from: float | None = None
        self.why = ""

    async def run(self) -> None:
        await self.leader.acquire()
        self.led_from = time()
        self.why = await self.leader.keep()
