"""Credentials that are replaced while the daemon runs: daemon and engine take up the new ones."""

import secrets
from pathlib import Path

from lab import ControlPlane, wait_until
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.faults.faulty_api import FaultyApi
from tests.faults.truth import assert_true


def test_a_token_that_is_replaced_in_its_file(
    breakable_lab: ControlPlane, api: FaultyApi, ward: Namespace, patient: Daemon, tmp_path: Path
) -> None:
    ward.apply(gateway("before"))
    ward.wait_ready("before")
    old, new = api.tokens, secrets.token_hex(8)

    # The old one is refused before the new one is there: nothing works, and nothing is given up.
    api.tokens = frozenset()
    api.cut_watches()
    ward.apply(gateway("before", "changed"), gateway("between"))
    wait_until(
        lambda: [line for line in patient.events("watch broken") if "Unauthorized" in line["error"]],
        timeout=SECONDS,
        what="a line about refused credentials",
    )
    api.tokens = frozenset((new,))
    api.write_kubeconfig(tmp_path / "replaced", new).replace(api.kubeconfig)

    ward.wait_config("before", "openai/changed")
    ward.wait_ready("between")
    ward.apply(gateway("after"))
    ward.wait_ready("after")
    assert_true(breakable_lab, [ward.name])
    assert not [token for token in (*old, new) if token in patient.text()], "no credential is logged"
