import os
from pathlib import Path

import pytest

from tests.tools.conftest import MakeProgram
from tools.parts import PARTS, Part
from tools.search import Found, search

BY_NAME = {part.name: part for part in PARTS}
ENGINE = BY_NAME["pulumi"]


def look_for(part: Part, *ignored: Path) -> Found:
    return search(part, ignored, ENGINE)


@pytest.mark.parametrize(
    ("name", "output", "reason"),
    [
        ("etcd", "etcd Version: 3.6.1", None),
        ("etcd", "etcd Version: 3.5.21", None),
        ("etcd", "etcd Version: 3.4.30", "it is 3.4.30, wanted is at least 3.5.0 and below 3.7.0"),
        ("kube-apiserver", "Kubernetes v1.36.9", None),
        ("kube-apiserver", "Kubernetes v1.35.0", "it is 1.35.0, wanted is at least 1.36.0 and below 1.37.0"),
        ("kubectl", "Client Version: v1.35.2", None),
        ("kubectl", "Client Version: v1.37.0", None),
        ("kubectl", "Client Version: v1.32.4", "it is 1.32.4, wanted is at least 1.35.0 and below 1.38.0"),
        ("kwok", "kwok version v0.7.1", None),
        ("kwok", "kwok version v0.6.0", "it is 0.6.0, wanted is at least 0.7.0 and below 0.8.0"),
        ("kwok", "unknown", "prints no version: unknown"),
    ],
)
def test_only_fitting_versions_on_path_are_used(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram, name: str, output: str, reason: str | None
) -> None:
    binary = program(name, f"echo '{output}'")
    monkeypatch.setenv("PATH", str(binary.parent))
    found = look_for(BY_NAME[name])
    if reason is None:
        assert found == Found(binary.parent, ())
    else:
        assert found.folder is None
        assert reason in found.reasons[0]
        assert str(binary) in found.reasons[0]


def test_a_later_fitting_one_is_used(monkeypatch: pytest.MonkeyPatch, program: MakeProgram) -> None:
    old = program("etcd", "echo etcd Version: 3.3.0", folder="old")
    new = program("etcd", "echo etcd Version: 3.6.0", folder="new")
    monkeypatch.setenv("PATH", f"{old.parent}{os.pathsep}{new.parent}")
    found = look_for(BY_NAME["etcd"])
    assert found.folder == new.parent
    assert "it is 3.3.0" in found.reasons[0]


def test_own_links_do_not_count(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram, tmp_path: Path
) -> None:
    cached = program("etcd", "echo etcd Version: 3.6.0", folder="cache")
    links = tmp_path / "venv"
    links.mkdir()
    (links / "etcd").symlink_to(cached)
    monkeypatch.setenv("PATH", str(links))
    assert look_for(BY_NAME["etcd"]).folder == links
    assert look_for(BY_NAME["etcd"], links) == Found(None, ())
    assert look_for(BY_NAME["etcd"], cached.parent) == Found(None, ())


def test_engine_and_language_host_are_taken_together(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram
) -> None:
    engine = program("pulumi", "echo v3.260.1")
    monkeypatch.setenv("PATH", str(engine.parent))
    found = look_for(ENGINE)
    assert found.folder is None
    assert "pulumi-language-python and pulumi-language-python-exec must lie beside it" in found.reasons[0]
    assert look_for(BY_NAME["pulumi-language-python"]).folder is None
    program("pulumi-language-python", "true")
    program("pulumi-language-python-exec", "true")
    assert look_for(ENGINE).folder == engine.parent
    assert look_for(BY_NAME["pulumi-language-python"]).folder == engine.parent


@pytest.mark.parametrize("version", ["v3.249.0", "v4.0.0"])
def test_other_engines_do_not_serve(
    monkeypatch: pytest.MonkeyPatch, program: MakeProgram, version: str
) -> None:
    engine = program("pulumi", f"echo {version}")
    program("pulumi-language-python", "true")
    program("pulumi-language-python-exec", "true")
    monkeypatch.setenv("PATH", str(engine.parent))
    assert look_for(ENGINE).folder is None
    assert look_for(BY_NAME["pulumi-language-python"]).folder is None


def test_the_provider_is_never_taken_from_path(monkeypatch: pytest.MonkeyPatch, program: MakeProgram) -> None:
    binary = program("pulumi-resource-kubernetes", "true")
    monkeypatch.setenv("PATH", str(binary.parent))
    assert look_for(BY_NAME["pulumi-resource-kubernetes"]) == Found(None, ())
