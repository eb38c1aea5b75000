"""Stacks that are files: to make or select one is no run of the engine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NoReturn

import pytest
from pulumi.automation import ProjectSettings, PulumiCommand, Stack

from gateway_components.engine.checkpoint import read_checkpoint, whole_checkpoint
from gateway_components.engine.state import StateFolder
from gateway_components.engine.workspace import FolderWorkspace


class _NoEngine(PulumiCommand):
    def __init__(self) -> None:
        pass

    def run(self, args: list[str], cwd: str, additional_env: Mapping[str, str], *_: object) -> NoReturn:
        message = f"the engine was run: {args}"
        raise AssertionError(message)


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with StateFolder(tmp_path / "state") as folder:
        yield folder


def selected(state: StateFolder, stack: str) -> Stack:
    settings = ProjectSettings(name="project", runtime="python")
    folder = str(state.work_folder(stack))
    workspace = FolderWorkspace(state, work_dir=folder, project_settings=settings, pulumi_command=_NoEngine())
    return Stack.create_or_select(stack, workspace)


def test_a_new_stack_is_an_empty_file(state: StateFolder) -> None:
    assert selected(state, "team-a").name == "team-a"
    assert state.stacks() == {"team-a"}
    assert read_checkpoint(state.read("team-a") or b"") == {}


def test_a_stack_that_exists_stays_as_it_is(state: StateFolder) -> None:
    resource = {"urn": "urn:pulumi:team-a::project::type::name", "type": "type"}
    checkpoint = whole_checkpoint("team-a", {"resources": [resource]})
    state.write("team-a", checkpoint, None)
    selected(state, "team-a")
    assert state.read("team-a") == checkpoint


def test_a_stack_is_opened_without_a_look_at_the_others(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.write("team-b", whole_checkpoint("team-b", None), None)
    monkeypatch.delattr(StateFolder, "stacks")

    for stack in ("team-a", "team-b"):
        assert selected(state, stack).name == stack
