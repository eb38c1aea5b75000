"""Whoever starts a program for as long as it lives itself."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from gateway_components.engine import process
from gateway_components.engine.process import parent_death_prefix
from lab import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")

PARENT = """
import subprocess, sys
subprocess.Popen([*sys.argv[1:], "sh", "-c", "echo $$; exec sleep 600"]).wait()
"""
FORMS = {
    "by setpriv": ("setpriv", "--pdeathsig", "KILL"),
    "by Python": (sys.executable, "-I", "-S", "-c", process._DIE_WITH_PARENT),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_program_ends_with_a_parent_that_is_killed(form: str) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *FORMS[form]], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    parent.wait()

    wait_until(lambda: not child.is_running() or child.status() == "zombie", timeout=60, what="its end")
    parent.stdout.close()


def test_a_setpriv_without_that_option_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "setpriv"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    assert parent_death_prefix() == FORMS["by setpriv"]

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert parent_death_prefix() == FORMS["by Python"]
