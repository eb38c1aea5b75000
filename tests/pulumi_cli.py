"""Runs the real ``pulumi`` on a copy of a project, with a state of its own: the checkout is never written to."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
_SECONDS = 180


@dataclass(frozen=True)
class PulumiProject:
    """A project folder and one stack of it.

    Attributes
    ----------
    folder
        Holds ``Pulumi.yaml``.
    stack
        Name of the stack.
    state
        Folder of the file backend.
    kubeconfig
        The cluster; None for none at all.
    """

    folder: Path
    stack: str
    state: Path
    kubeconfig: Path | None = None

    @property
    def temporary(self) -> Path:
        """Temporary folder of the engine and the program, for what they leave in it."""
        return self.state.with_name("temporary")

    def init(self) -> None:
        """Create the stack. It is not selected: that would be remembered outside of this project."""
        self.state.mkdir(exist_ok=True)
        self.temporary.mkdir(exist_ok=True)
        virtual_environment = self.folder / ".venv"
        if not virtual_environment.exists():
            virtual_environment.symlink_to(sys.prefix)
        self.run("stack", "init", "--no-select")

    def configure(self, values: Mapping[str, str | None]) -> None:
        """Write values into the stack's file, as an editor does; None removes one."""
        (file,) = self.folder.rglob(f"Pulumi.{self.stack}.yaml")
        content = yaml.safe_load(file.read_text())
        config = {**content.get("config", {}), **values}
        content["config"] = {key: value for key, value in config.items() if value is not None}
        file.write_text(yaml.safe_dump(content))

    def run(self, *arguments: str, code: int = 0, environment: Mapping[str, str] | None = None) -> str:
        """Run ``pulumi ARGUMENTS`` on the stack and return all that it prints.

        Raises
        ------
        AssertionError
            It exits with another code than `code`.
        """
        done = self._run(arguments, environment or {})
        output = done.stdout + done.stderr
        assert done.returncode == code, output
        return output

    def up(self, *arguments: str, code: int = 0, environment: Mapping[str, str] | None = None) -> str:
        """Run ``pulumi up`` without questions."""
        return self.run("up", "--yes", "--non-interactive", *arguments, code=code, environment=environment)

    def fails(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run ``pulumi ARGUMENTS`` to its failure and return what it prints, which must hold no traceback."""
        done = self._run(arguments, environment or {})
        output = done.stdout + done.stderr
        assert done.returncode != 0, output
        assert "Traceback" not in output, output
        return output

    def outputs(self) -> Any:
        """Return the outputs of the stack; a secret one is an object that holds its cipher text."""
        (stack,) = (found for found in self.resources().values() if found["type"] == "pulumi:pulumi:Stack")
        return stack.get("outputs", {})

    def resources(self) -> dict[str, Any]:
        """Return the resources in the state by their URN; to have the engine tell them takes a start of it."""
        (file,) = self.state.glob(f".pulumi/stacks/*/{self.stack}.json")
        latest = json.loads(file.read_text())["checkpoint"]["latest"]
        return {resource["urn"]: resource for resource in latest.get("resources") or ()}

    def state_text(self) -> str:
        """Return every byte that is kept of the stack: state, history and configuration."""
        files = (*self.state.rglob("*"), *self.folder.rglob("Pulumi.*"))
        return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())

    def _run(
        self, arguments: tuple[str, ...], environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        programs = Path(sys.executable).parent
        return subprocess.run(
            [str(programs / "pulumi"), *arguments, "--stack", self.stack],
            cwd=self.folder,
            env={
                **os.environ,
                # The language host looks for Python and its own second half there.
                "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}",
                "PULUMI_BACKEND_URL": self.state.as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": "correct horse",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "TMPDIR": str(self.temporary),
                "KUBECONFIG": str(self.kubeconfig or self.folder / "no-cluster"),
                **environment,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
