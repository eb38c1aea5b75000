"""The Dockerfile says what the project says; it cannot be built everywhere, so its parts are held together here."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import PurePosixPath

import pytest

from gateway_components.install import manifests
from gateway_components.install.options import Installation
from tests.install.pod import ENTRYPOINT
from tests.pulumi_cli import ROOT
from tools.go import wanted_go
from tools.parts import PARTS
from tools.versions import parse_version

TEXT = (ROOT / "Dockerfile").read_text()
LINES = [
    line
    for line in re.sub(r"\\\n\s*", "", TEXT).splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def copied() -> list[str]:
    """Return what is copied from the project."""
    sources = []
    for line in instructions("COPY"):
        if not line.startswith("--from"):
            sources += shlex.split(line)[:-1]
    return sources


def used_parts() -> list[str]:
    (line,) = (line for line in instructions("RUN") if "-m tools setup" in line)
    names: str = re.findall(r"-m tools setup ([\w -]+?) *(?:&&|$)", line)[0]
    return names.split()


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in shlex.split(instructions("ENV")[-1]))


@pytest.mark.parametrize("source", copied())
def test_what_is_copied_exists_and_reaches_the_build(source: str) -> None:
    assert (ROOT / source).exists()
    assert f"!{PurePosixPath(source).parts[0]}" in IGNORED


def test_nothing_reaches_the_build_that_is_not_copied() -> None:
    admitted = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    assert admitted == {PurePosixPath(source).parts[0] for source in copied()}
    assert "*" in IGNORED


def test_every_base_image_has_a_version_and_a_digest() -> None:
    bases = [line.split()[0] for line in instructions("FROM")]
    assert bases
    for base in bases:
        assert re.search(r":\d+\.\d+\.\d+(-[\w.-]+)?@sha256:[0-9a-f]{64}$", base), base


def test_the_python_of_all_stages_is_that_of_the_project() -> None:
    pythons = {line.split()[0] for line in instructions("FROM") if line.startswith("python:")}
    assert len(pythons) == 1, "the packages of one are run by another"
    version = parse_version(pythons.pop())
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["python_version"]
    assert version
    assert wanted == f"{version[0]}.{version[1]}"


def test_its_go_can_build_what_it_builds() -> None:
    (image,) = (line.split()[0] for line in instructions("FROM") if line.startswith("golang:"))
    version = parse_version(image)
    parts = [part for part in PARTS if part.name in used_parts()]
    assert {part.name for part in parts} == {"pulumi", "pulumi-resource-kubernetes"}
    assert version
    assert version >= wanted_go(parts)


def test_the_packages_are_those_of_the_lock() -> None:
    packages, ours = (line for line in instructions("RUN") if "pip install" in line)
    assert "--no-deps --require-hashes --requirement constraints-image.txt" in packages
    assert "--no-deps --no-build-isolation" in ours, "nothing is fetched that the lock does not name"


def test_what_builds_the_package_is_that_of_the_project() -> None:
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    for lock in ("constraints.txt", "constraints-image.txt"):
        assert f"\n{wanted} " in (ROOT / lock).read_text()


def test_the_stage_of_the_engine_needs_no_package() -> None:
    bare = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import tools.__main__",
    ]
    done = subprocess.run(bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_it_runs_as_the_deployment_wants_it_to() -> None:
    pod = manifests.deployment(Installation(), manifests.SETTINGS)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (user,) = instructions("USER")
    assert user.split(":")[0].isdecimal(), "runAsNonRoot looks at a number and not at a name"
    assert int(user.split(":")[0]) > 0
    entrypoint = json.loads(instructions("ENTRYPOINT")[0])
    assert entrypoint == ["gatewayctl", *ENTRYPOINT]
    assert instructions("EXPOSE") == [str(port["containerPort"]) for port in container["ports"]]
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert environment()["HOME"] in mounted, "what is written to the home folder needs a volume"
