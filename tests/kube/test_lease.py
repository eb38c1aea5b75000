"""The Lease against a scripted API server: who gets it, and when."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError, MalformedAnswerError
from gateway_components.kube.lease import Lease, LeaseTakenError
from gateway_components.kube.resources import LEASES
from lab import ControlPlane
from tests.kube.lease_server import Connection, LeaseServer, candidate


class Seconds:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.value = 1000.0

    def __call__(self) -> float:
        return self.value


@pytest.fixture
def server() -> LeaseServer:
    return LeaseServer()


@pytest.fixture
def connection(server: LeaseServer) -> Connection:
    return Connection(server)


@pytest.fixture
def now() -> Seconds:
    return Seconds()


@pytest.fixture
def ours(connection: Connection, now: Seconds) -> Lease:
    return candidate(connection, "us", now, predecessor="late")


FREE: list[tuple[str, dict[str, Any] | None]] = [
    ("there is none yet", None),
    ("it was given back", {"leaseDurationSeconds": 1, "renewTime": "x"}),
    ("somebody created it empty", {}),
    ("its holder is known to be dead", {"holderIdentity": "late", "leaseDurationSeconds": 15}),
    ("it is ours, though the answer was lost", {"holderIdentity": "us", "leaseDurationSeconds": 15}),
]


@pytest.mark.parametrize(("why", "spec"), FREE, ids=[case[0] for case in FREE])
async def test_a_free_lease_is_taken_at_once(
    server: LeaseServer, ours: Lease, now: Seconds, why: str, spec: dict[str, Any] | None
) -> None:
    if spec is not None:
        server.write_by_hand(**spec)

    assert await ours.take() == now()
    assert (server.spec["holderIdentity"], server.spec["leaseDurationSeconds"], ours.holder) == (
        "us",
        15,
        "us",
    )


FOREIGN: list[tuple[str, dict[str, Any], float]] = [
    ("as long as it says", {"holderIdentity": "them", "leaseDurationSeconds": 40, "renewTime": "t"}, 40),
    ("as long as ours, where it says nothing", {"holderIdentity": "them"}, 15),
    ("its last sign of life lies in the past", {"holderIdentity": "them", "renewTime": "1970-01-01"}, 15),
    ("its last sign of life lies in the future", {"holderIdentity": "them", "renewTime": "2970-01-01"}, 15),
    ("its holder was taken away by hand", {"leaseDurationSeconds": 15, "renewTime": "t"}, 15),
]


@pytest.mark.parametrize(("case", "spec", "seconds"), FOREIGN, ids=[case[0] for case in FOREIGN])
async def test_an_expired_lease_of_another_is_acquired(
    server: LeaseServer, ours: Lease, now: Seconds, case: str, spec: dict[str, Any], seconds: float
) -> None:
    server.write_by_hand(**spec)

    assert await ours.take() is None
    now.value += seconds
    assert await ours.take() is None
    now.value += 0.1
    assert await ours.take() == now()
    assert server.spec["holderIdentity"] == "us"


async def test_each_sign_of_life_begins_the_wait_again(
    server: LeaseServer, ours: Lease, now: Seconds
) -> None:
    for sign in range(5):
        server.write_by_hand(holderIdentity="them", leaseDurationSeconds=15, renewTime=str(sign))
        assert await ours.take() is None
        now.value += 14

    assert await ours.take() is None
    assert ours.holder == "them"


async def test_a_label_is_no_sign_of_life(server: LeaseServer, ours: Lease, now: Seconds) -> None:
    server.write_by_hand(holderIdentity="them", leaseDurationSeconds=15)
    await ours.take()
    now.value += 16
    server.write_by_hand()

    assert await ours.take() == now()


async def test_a_deleted_lease_stays_with_its_holder_until_it_expires(
    server: LeaseServer, ours: Lease, now: Seconds
) -> None:
    server.write_by_hand(holderIdentity="them", leaseDurationSeconds=15)
    await ours.take()
    server.stored = None

    assert await ours.take() is None
    now.value += 16
    assert await ours.take() == now()


async def test_of_two_who_want_it_at_once_one_gets_it(
    server: LeaseServer, connection: Connection, ours: Lease, now: Seconds
) -> None:
    theirs = candidate(Connection(server), "them", now)

    async def they_come_first() -> None:
        if connection.requests[-1] != "get":
            assert await theirs.take() is not None

    connection.before = they_come_first

    assert await ours.take() is None
    assert server.spec["holderIdentity"] == "them"


async def test_takeovers_are_counted(server: LeaseServer, ours: Lease, now: Seconds) -> None:
    server.write_by_hand(holderIdentity="them", leaseDurationSeconds=15, leaseTransitions=4)
    await ours.take()
    now.value += 16
    await ours.take()
    await ours.renew()

    assert server.spec["leaseTransitions"] == 5


async def test_a_renewal_counts_from_before_it_was_sent(
    connection: Connection, ours: Lease, now: Seconds
) -> None:
    await ours.take()
    began = now.value = 2000.0

    async def slow() -> None:
        now.value += 4

    connection.before = connection.after = slow

    assert await ours.renew() == began


async def test_a_renewal_costs_one_request(connection: Connection, ours: Lease) -> None:
    await ours.take()
    connection.requests.clear()

    for _ in range(3):
        await ours.renew()

    assert connection.requests == ["patch"] * 3


TAKEN: list[tuple[str, dict[str, Any]]] = [
    ("by another daemon", {"holderIdentity": "them", "renewTime": "t"}),
    ("by another that goes by the same name", {"holderIdentity": "us", "renewTime": "t"}),
    ("away by hand", {"holderIdentity": None}),
]


@pytest.mark.parametrize(("case", "spec"), TAKEN, ids=[case[0] for case in TAKEN])
async def test_a_lease_that_was_taken_is_lost(
    server: LeaseServer, ours: Lease, case: str, spec: dict[str, Any]
) -> None:
    await ours.take()
    server.write_by_hand(**spec)

    with pytest.raises(LeaseTakenError, match="install/l"):
        await ours.renew()


async def test_a_lease_that_was_deleted_and_taken_is_lost(server: LeaseServer, ours: Lease) -> None:
    await ours.take()
    server.stored = None
    server.write_by_hand(holderIdentity="them", renewTime="t")

    with pytest.raises(LeaseTakenError):
        await ours.renew()
    assert ours.holder == "them"


async def test_its_holder_creates_a_deleted_lease_again(server: LeaseServer, ours: Lease) -> None:
    await ours.take()
    server.stored = None

    await ours.renew()

    assert server.spec["holderIdentity"] == "us"


async def test_a_deleted_lease_is_lost_to_whoever_creates_it_first(
    server: LeaseServer, connection: Connection, ours: Lease
) -> None:
    await ours.take()
    server.stored = None

    async def they_come_first() -> None:
        if connection.requests[-1] == "create":
            server.write_by_hand(holderIdentity="them", renewTime="t")

    connection.before = they_come_first

    with pytest.raises(LeaseTakenError):
        await ours.renew()


async def test_a_lost_answer_and_a_label_by_hand_take_nothing_away(
    server: LeaseServer, connection: Connection, ours: Lease
) -> None:
    await ours.take()

    async def lost() -> None:
        raise ApiUnreachableError("the API server gave no answer")

    connection.after = lost
    with pytest.raises(ApiUnreachableError):
        await ours.renew()
    connection.before = lost
    # This one never arrives: what stands there is the one before the last that was sent.
    with pytest.raises(ApiUnreachableError):
        await ours.renew()
    healthy = Connection(server)
    connection.before, connection.after = healthy.before, healthy.after
    await ours.renew()
    server.write_by_hand()
    await ours.renew()

    assert server.spec["holderIdentity"] == "us"


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_a_refusal_takes_nothing_away(connection: Connection, ours: Lease, status: int) -> None:
    await ours.take()
    nothing = connection.before

    async def refuse() -> None:
        raise ApiError(status, "", "refused")

    connection.before = refuse
    with pytest.raises(ApiError):
        await ours.renew()
    connection.before = nothing

    await ours.renew()


async def test_what_was_given_back_is_free_for_others(server: LeaseServer, ours: Lease, now: Seconds) -> None:
    theirs = candidate(Connection(server), "them", now)
    await ours.take()
    assert await theirs.take() is None

    await ours.release()

    assert await theirs.take() == now()
    with pytest.raises(LeaseTakenError):
        await ours.release()


async def test_a_missing_namespace_is_reported(connection: Connection, ours: Lease) -> None:
    async def refuse() -> None:
        if connection.requests[-1] == "create":
            raise ApiError(404, "NotFound", 'namespaces "install" not found')

    connection.before = refuse

    with pytest.raises(ApiError, match="namespaces"):
        await ours.take()


class TestOnARealApiServer:
    """The same on a real API server, whose validation and conflicts the script above imitates."""

    @pytest.fixture
    async def client(self, lab: ControlPlane) -> AsyncIterator[KubeClient]:
        async with await KubeClient.connect(lab.kubeconfig) as connected:
            yield connected

    @staticmethod
    def candidate(client: KubeClient, namespace: str, identity: str) -> Lease:
        return Lease(
            client,
            namespace,
            "real",
            identity,
            seconds=15,
            now=asyncio.get_running_loop().time,
            timestamp=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )

    async def test_it_goes_from_hand_to_hand(self, client: KubeClient, lab_namespace: str) -> None:
        first = self.candidate(client, lab_namespace, "first")
        second = self.candidate(client, lab_namespace, "second")
        assert await first.take()
        assert await second.take() is None
        await first.renew()
        await first.release()
        assert await second.take()
        with pytest.raises(LeaseTakenError):
            await first.renew()

        stored = await client.get(LEASES.item(lab_namespace, "real"))
        assert stored is not None
        assert (stored["spec"]["holderIdentity"], stored["spec"]["leaseTransitions"]) == ("second", 1)

    async def test_changes_by_hand_are_noticed(
        self, lab: ControlPlane, client: KubeClient, lab_namespace: str
    ) -> None:
        lease = self.candidate(client, lab_namespace, "us")
        assert await lease.take()
        lab.kubectl("-n", lab_namespace, "label", "lease", "real", "by=hand")
        await lease.renew()
        lab.kubectl("-n", lab_namespace, "delete", "lease", "real")
        await lease.renew()
        patch = '{"spec":{"holderIdentity":"them"}}'
        lab.kubectl("-n", lab_namespace, "patch", "lease", "real", "--type=merge", "-p", patch)

        with pytest.raises(LeaseTakenError):
            await lease.renew()
        assert lease.holder == "them"


async def test_a_lease_with_fields_of_another_type_is_nobodys_answer(
    server: LeaseServer, connection: Connection, now: Seconds
) -> None:
    await candidate(Connection(server), "other", now).take()
    server.spec["leaseDurationSeconds"] = "fifteen"

    with pytest.raises(MalformedAnswerError, match="Lease"):
        await candidate(connection, "me", now).take()
