"""Stacks whose states are files: to select one is no run of the engine."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from pulumi.automation import ProjectSettings, PulumiCommand, Stack

from gateway_components.engine.workspace import FolderWorkspace


class _NoEngine(PulumiCommand):
    def __init__(self) -> None:
        pass

    def run(self, args: list[str], cwd: str, additional_env: Mapping[str, str], *_: object) -> NoReturn:
        message = f"the engine was run: {args}"
        raise AssertionError(message)


def test_a_stack_is_selected_without_the_engine(tmp_path: Path) -> None:
    settings = ProjectSettings(name="project", runtime="python")
    workspace = FolderWorkspace(work_dir=str(tmp_path), project_settings=settings, pulumi_command=_NoEngine())
    assert Stack.create_or_select("team-a", workspace).name == "team-a"
