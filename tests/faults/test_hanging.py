"""A gateway whose objects the API server never answers for: its neighbours do not wait for it."""

from lab import wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.faults.faulty_api import FaultyApi
from tests.faults.misdeeds import no_answer, writes_of


def test_edits_of_others_are_applied_while_one_hangs(
    api: FaultyApi, ward: Namespace, patient: Daemon
) -> None:
    ward.apply(gateway("well"))
    ward.wait_ready("well")
    with api.fault(no_answer, writes_of("stuck")):
        ward.apply(gateway("stuck"))
        wait_until(lambda: api.writes("stuck"), timeout=SECONDS, what="the first run that hangs")

        # One that nobody knew to hang is given some seconds.
        ward.apply(gateway("well", "one"))
        ward.wait_config("well", "openai/one")
        first, *_ = patient.events("run preempted", namespace=ward.name)
        assert first["gateways"] == ["stuck"]

        before = api.writes("stuck")
        wait_until(lambda: api.writes("stuck") > before, timeout=SECONDS, what="the retry that hangs")
        ward.apply(gateway("well", "two"))
        ward.wait_config("well", "openai/two")
        ward.wait_ready("well")

        assert not patient.events("AiGatewayConfigured", gateway=f"AiGateway {ward.name}/stuck")

    ward.wait_ready("stuck")
