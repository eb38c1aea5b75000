from pathlib import Path

import pytest

from tests.tools.conftest import MakeProgram
from tools.check import check
from tools.errors import CheckError
from tools.parts import PARTS, PROVIDER

ETCD = next(part for part in PARTS if part.name == "etcd")


def test_wanted_version_passes(program: MakeProgram) -> None:
    check(ETCD, program("etcd", f"echo etcd Version: {ETCD.version}").parent)


def test_another_version_fails(program: MakeProgram) -> None:
    binary = program("etcd", "echo etcd Version: 3.6.0")
    with pytest.raises(CheckError, match=r"says that it is 3\.6\.0; 3\.6\.14 is wanted"):
        check(ETCD, binary.parent)


def test_crash_fails_with_its_message(program: MakeProgram) -> None:
    binary = program("etcd", "echo broken >&2; exit 3")
    with pytest.raises(CheckError, match="broken"):
        check(ETCD, binary.parent)


def test_missing_binary_fails(tmp_path: Path) -> None:
    with pytest.raises(CheckError, match="does not run"):
        check(ETCD, tmp_path)


def test_plugin_that_reports_its_port_passes_and_is_stopped(program: MakeProgram, tmp_path: Path) -> None:
    binary = program(PROVIDER.name, f"echo $$ > {tmp_path}/pid; echo 41234; exec sleep 300")
    check(PROVIDER, binary.parent)
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path(f"/proc/{pid}").exists()


def test_plugin_that_does_not_start_fails_with_its_message(program: MakeProgram) -> None:
    binary = program(PROVIDER.name, "echo 'no schema' >&2; exit 1")
    with pytest.raises(CheckError, match="no schema"):
        check(PROVIDER, binary.parent)
