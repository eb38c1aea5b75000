"""The whole set-up, with a stand-in for Go that "builds" shell scripts."""

from pathlib import Path

import pytest

from tests.tools.conftest import MakeProgram
from tools import proxy, setup
from tools.__main__ import main
from tools.parts import PARTS, PROVIDER

FAKE_GO = """
case "$1 $2" in
  "env GOVERSION") echo go1.99.0 ;;
  "mod download") ;;
  "list -m") echo "{modules}" ;;
  "build -v")
    [ -e "{broken}" ] && {{ echo "undefined: everything" >&2; exit 1; }}
    while [ "$1" != -o ]; do shift; done
    echo "$2" >> "{built}"
    cp "{binaries}/$(basename "$2")" "$2" ;;
esac
"""
FAKE_PULUMI = """
[ "$1" = version ] && { echo v3.250.0; exit; }
while [ "$1" != --file ]; do shift; done
folder="$PULUMI_HOME/plugins/resource-kubernetes-v4.25.0"
mkdir -p "$folder"
cp "$2" "$folder/"
"""


class World:
    """Folders of a set-up that touches nothing of this machine."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv"
        self.cache = folder / "cache"
        self.broken = folder / "broken"
        self._built = folder / "built"
        self.bin.mkdir()
        self._built.touch()

    def built(self) -> list[str]:
        """Return the names of what was built since the last call."""
        names = [Path(line).name for line in self._built.read_text().splitlines()]
        self._built.write_text("")
        return names


@pytest.fixture
def world(tmp_path: Path, program: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> World:
    result = World(tmp_path)
    modules = tmp_path / "modules"
    for part in PARTS:
        for copied in (*part.embedded.values(), *part.scripts.values()):
            (modules / copied.path).parent.mkdir(parents=True, exist_ok=True)
            (modules / copied.path).write_text("{}")
        program(part.name, f"echo v{part.version}" if part.version_arguments else "echo 4321", folder="fakes")
    program("pulumi", FAKE_PULUMI, folder="fakes")
    paths = {"modules": modules, "broken": result.broken, "built": tmp_path / "built"}
    fake = program("go", FAKE_GO.format(binaries=tmp_path / "fakes", **paths))
    system = tmp_path / "system"
    system.mkdir()
    for name in ("sh", "cp", "mkdir", "basename", "echo"):
        (system / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", f"{result.bin}:{fake.parent}:{system}")
    monkeypatch.setenv("GATEWAY_TOOLS_CACHE", str(result.cache))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    for module in ("tools.location", "tools.setup", "tools.setup"):
        monkeypatch.setattr(f"{module}.VENV_BIN", result.bin)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return result


def test_builds_everything_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup"]) == 0
    assert world.built() == [part.name for part in PARTS]
    linked = {path.name for path in world.bin.iterdir()}
    assert linked == {name for part in PARTS if part is not PROVIDER for name in part.files}
    output = capsys.readouterr().out
    assert "[2/9] kube-apiserver … building (about 4 min on 2 cores; once per machine)" in output
    assert "Registering the Kubernetes provider" in output
    assert main(["setup"]) == 0
    assert world.built() == []
    assert "building" not in capsys.readouterr().out
    assert main(["path", "etcd"]) == 0
    assert capsys.readouterr().out.strip() == str(world.bin / "etcd")


def test_failed_build_continues_where_it_stopped(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.broken.touch()
    assert main(["setup"]) == 1
    assert "undefined: everything" in capsys.readouterr().err
    assert not list(world.cache.glob("*-*"))
    world.broken.unlink()
    assert main(["setup"]) == 0


def test_wrong_version_does_not_enter_the_cache(
    world: World, program: MakeProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    program("kwok", "echo v0.6.9", folder="fakes")
    assert main(["setup"]) == 1
    assert "says that it is 0.6.9; 0.7.0 is wanted" in capsys.readouterr().err
    assert [path.name for path in world.cache.glob("kwok*")] == ["kwok.lock"]
    world.built()
    program("kwok", "echo v0.7.0", folder="fakes")
    assert main(["setup"]) == 0
    assert world.built() == ["kwok", "pulumi", "pulumi-language-python", PROVIDER.name]


def test_without_go_existing_parts_are_linked_and_others_named(
    world: World, program: MakeProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = program("kubectl", "echo Client Version: v1.36.1").parent
    (folder / "go").unlink()
    assert main(["setup"]) == 1
    assert (world.bin / "kubectl").readlink() == folder / "kubectl"
    error = capsys.readouterr().err
    assert error.startswith("error: Go is not installed; it is needed to build etcd, kube-apiserver")
    assert "Traceback" not in error


def test_missing_binary_is_reported(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["path", "etcd"]) == 1
    assert "`make setup` finds or builds it" in capsys.readouterr().err


def test_only_the_parts_of_a_changed_folder_get_another_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in PARTS:
        (tmp_path / part.folder).mkdir(exist_ok=True)
        (tmp_path / part.folder / "go.mod").write_text("module x\n")
    monkeypatch.setattr(setup, "MODULES", tmp_path)
    before = {part.name: setup.key_of(part) for part in PARTS}
    (tmp_path / "etcd" / "go.mod").write_text("module y\n")
    after = {part.name: setup.key_of(part) for part in PARTS}
    assert [name for name in before if before[name] != after[name]] == ["etcd"]


def test_interrupted_installation_of_the_proxy_is_done_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = []

    def install(folder: Path) -> None:
        installed.append(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if len(installed) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(proxy, "_install", install)
    assert main(["litellm"]) == 130
    assert main(["litellm"]) == 0
    assert main(["litellm"]) == 0
    assert len(installed) == 2
    assert (world.bin / "litellm-proxy").readlink() == installed[0] / "bin" / "litellm"


def test_builds_the_named_parts_alone(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "pulumi", PROVIDER.name]) == 0
    assert world.built() == ["pulumi", PROVIDER.name]
    assert "2 of 2 parts" in capsys.readouterr().out
    assert main(["setup", "pulumi"]) == 0
    assert world.built() == []


def test_a_part_that_does_not_exist_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup", "pulum"]) == 1
    assert "no part pulum" in capsys.readouterr().err
