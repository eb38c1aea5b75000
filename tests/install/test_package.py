"""What the package needs of others: the components little, in wide ranges; the daemon and the command line more."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.pulumi_cli import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
COMPONENTS: list[str] = PROJECT["dependencies"]
DAEMON: list[str] = PROJECT["optional-dependencies"]["daemon"]
PINS = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))

USER = """\
pulumi>=3.200,<3.250
pulumi-kubernetes>=4.23,<4.25
click>=8.1,<8.5
"""
"""The environment of somebody else's program, older by a few weeks."""


def name(requirement: str) -> str:
    return re.split(r"[<>=]", requirement)[0]


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_exact_versions_are_within_the_ranges() -> None:
    for requirement in (*COMPONENTS, *DAEMON):
        lowest, highest = re.findall(r"[<>]=?([\d.]+)", requirement)
        assert numbers(lowest) <= numbers(PINS[name(requirement)]) < numbers(highest), requirement


def test_every_pinned_package_is_a_declared_dependency() -> None:
    assert {*map(name, COMPONENTS), *map(name, DAEMON)} == set(PINS)
    assert {*map(name, COMPONENTS)} == {"pulumi", "pulumi-kubernetes", "pydantic", "pyyaml"}


def without(*packages: str) -> str:
    """Return code that makes packages look as if they were not installed."""
    return f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"


EXTRA = (
    "aiohttp",
    "click",
    "kubernetes_asyncio",
    "prometheus_client",
    "psutil",
    "rich",
    "structlog",
    "watchfiles",
)


def test_components_load_without_what_the_daemon_needs() -> None:
    code = without(*EXTRA) + "import gateway_components as g; [getattr(g, name) for name in g.__all__]"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize("missing", ["click", "structlog"])
def test_the_command_line_says_what_to_install(missing: str) -> None:
    code = without(missing) + "from gateway_components.cli import run; run()"
    done = subprocess.run([sys.executable, "-c", code, "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: gatewayctl lacks the package {missing}: pip install ")
    assert "[daemon]" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("end", ["lowest", "newest"])
def test_components_install_beside_other_versions_and_work(end: str, tmp_path: Path) -> None:
    lowest = "".join(f"{requirement.partition(',')[0].replace('>=', '==')}\n" for requirement in COMPONENTS)
    (tmp_path / "requirements.txt").write_text(f"{USER}{lowest}" if end == "lowest" else "")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [str(tmp_path / "venv" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(tmp_path / "requirements.txt"), str(_checkout(tmp_path))], check=True)
    subprocess.run([*pip, "pytest", "pytest-asyncio"], check=True)
    components = ROOT / "tests" / "components"
    tests = [str(components), str(ROOT / "tests" / "api" / "test_problems.py")]
    command = [
        str(tmp_path / "venv" / "bin" / "python"),
        *("-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider"),
        *("--confcutdir", str(components)),
        *("--rootdir", str(ROOT), *tests),
        # They need the engine.
        *(part for one in ("engine", "renamed") for part in ("--ignore", f"{components}/test_{one}.py")),
    ]
    # The installed package, with the tests beside it.
    subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(_tests_alone(tmp_path))}, check=True)


def _checkout(folder: Path) -> Path:
    # A copy, for pip builds a package in its folder and leaves things behind.
    copy = folder / "checkout"
    copy.mkdir()
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, copy)
    shutil.copytree(ROOT / "gateway_components", copy / "gateway_components")
    return copy


def _tests_alone(folder: Path) -> Path:
    place = folder / "tests-alone"
    place.mkdir()
    (place / "tests").symlink_to(ROOT / "tests")
    return place
