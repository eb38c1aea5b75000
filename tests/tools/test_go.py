from pathlib import Path

import pytest

from tests.tools.conftest import MakeProgram
from tools import go
from tools.errors import ToolsError
from tools.location import MODULES
from tools.parts import PARTS


def test_every_part_has_its_modules() -> None:
    for part in PARTS:
        assert (MODULES / part.folder / "go.sum").is_file()
    assert go.wanted_go(PARTS) >= (1, 26, 0)


def test_missing_go_names_what_to_install_or_use_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolsError) as error:
        go.require_go(PARTS[:1])
    message = str(error.value)
    assert "Go is not installed; it is needed to build etcd." in message
    assert "install Go 1.26.0 or newer" in message
    assert "official Pulumi distribution" in message
    assert "pulumi plugin install resource kubernetes v4.25.0" in message
    assert "any cluster through KUBECONFIG" in message
    assert "except the lab" in message


def test_too_old_go_is_refused(monkeypatch: pytest.MonkeyPatch, program: MakeProgram) -> None:
    fake = program("go", "echo go1.21.3")
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(ToolsError, match=r"Go 1\.21\.3 is too old to build etcd"):
        go.require_go(PARTS[:1])


def test_broken_go_is_reported(monkeypatch: pytest.MonkeyPatch, program: MakeProgram) -> None:
    fake = program("go", "echo 'cannot run' >&2; exit 2")
    monkeypatch.setenv("PATH", str(fake.parent))
    with pytest.raises(ToolsError, match="`go env GOVERSION` failed: cannot run"):
        go.require_go(PARTS[:1])


def test_new_enough_go_is_accepted_and_may_not_download_another(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram
) -> None:
    fake = program("go", 'test "$GOTOOLCHAIN" = local && echo go1.99.1')
    monkeypatch.setenv("PATH", str(fake.parent))
    go.require_go(PARTS)


def test_build_passes_versions_and_reports_the_compilers_errors(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram, tmp_path: Path
) -> None:
    fake = program("go", f'echo "$@" > {tmp_path}/arguments; echo "undefined: x" >&2; exit 1')
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    part = next(part for part in PARTS if part.name == "kube-scheduler")
    with pytest.raises(ToolsError, match="undefined: x"):
        go.build(part, tmp_path)
    arguments = (tmp_path / "arguments").read_text()
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in arguments
    assert f"-o {tmp_path}/kube-scheduler k8s.io/kubernetes/cmd/kube-scheduler" in arguments
