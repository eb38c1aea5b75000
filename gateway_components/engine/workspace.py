"""Where the engine works: its backend, environment and home, and a workspace for each stack."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pulumi.automation import (
    CommandError,
    Deployment,
    LocalWorkspace,
    ProjectSettings,
    Stack,
    StackNotFoundError,
)

from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.errors import EngineError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.process import EngineCommand, parent_death_prefix
from gateway_components.engine.programs import PROVIDER, PROVIDER_VERSION, find_provider, pulumi_home

T = TypeVar("T")

_PASSWORD = re.compile(r"://[^/@\s]*@")
_CREDENTIALS = "credentials.json"


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend of Pulumi, by a URL as `pulumi login` takes it: ``file://``, ``s3://``, ``postgres://`` and others.

    The passphrase encrypts secrets in the state. There are none, but the engine requires one.
    """

    url: str = field(repr=False)
    passphrase: str = field(repr=False)

    def redact(self, text: str) -> str:
        """Return a text without the backend's URL, and without the passwords in other URLs."""
        return _PASSWORD.sub("://", text.replace(self.url, "the backend"))


def engine_environment(backend: Backend, kubeconfig: Path | None) -> dict[str, str]:
    """Return the environment of an engine run, whose `kubeconfig` is None inside a cluster."""
    environment = {
        "PULUMI_BACKEND_URL": backend.url,
        "PULUMI_CONFIG_PASSPHRASE": backend.passphrase,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Use the provider in the engine's home, which exits with the engine.
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        # Write the state once, at the end: a killed run leaves the old one, and the next run adopts its objects.
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
        # For that warning, each run would read the states of all namespaces.
        "PULUMI_DIY_BACKEND_NO_LEGACY_WARNING": "true",
        # A plan wins over other writers of the same field.
        "PULUMI_K8S_ENABLE_PATCH_FORCE": "true",
        # At the default of 50 requests a second, a run of 200 gateways waits longer than it works.
        "PULUMI_K8S_CLIENT_QPS": "500",
        "PULUMI_K8S_CLIENT_BURST": "1000",
    }
    if kubeconfig is not None:
        # The engine runs in another folder.
        files = str(kubeconfig).split(os.pathsep)
        environment["KUBECONFIG"] = os.pathsep.join(str(Path(file).absolute()) for file in files)
    return environment


def make_home(folder: Path, home: Path, provider: Path) -> Path:
    """Make `folder` the home of engine runs, and return it; the real `home` has the credentials of backends.

    The engine finds its provider there: a script that executes `provider`, so that it dies with the engine. An orphaned
    provider would live on for minutes.

    The engine logs each run below its home at its most verbose, which took more than half of a run's time, and 27 MB
    for 200 gateways. It has no switch for that, but goes without if the folder of logs cannot be created.

    Raises EngineError: it cannot be written, or is the real home, or would overwrite `provider`.
    """
    logs, credentials, plugins = folder / "logs", folder / _CREDENTIALS, folder / "plugins"
    plugin = plugins / f"resource-kubernetes-v{PROVIDER_VERSION}"
    try:
        if not folder.is_symlink() and _holds(folder, home, provider):
            message = f"the folder {folder} is the home of Pulumi itself; name another scratch folder"
            raise EngineError(message)
        # An earlier version linked the plugins of the real home, which is not ours to write.
        for own in (folder, logs, plugins, plugin):
            if own.is_symlink():
                own.unlink()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        credentials.unlink(missing_ok=True)
        real = home.absolute() / _CREDENTIALS
        if real.exists():
            credentials.symlink_to(real)
        logs.touch()
        plugin.mkdir(parents=True, exist_ok=True)
        _write_launcher(plugin / PROVIDER, provider)
    except OSError as error:
        message = f"the folder {folder} cannot be used: {error.strerror}; name a writable one"
        raise EngineError(message) from None
    return folder


def _holds(folder: Path, home: Path, provider: Path) -> bool:
    own = folder.resolve()
    return home.resolve() == own or provider.resolve().is_relative_to(own)


def _write_launcher(path: Path, program: Path) -> None:
    command = shlex.join([*parent_death_prefix(), str(program.absolute())])
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    fresh.chmod(0o700)
    if not os.access(fresh, os.X_OK):
        # The folder is mounted noexec.
        fresh.unlink()
        fresh.symlink_to(program.absolute())
    fresh.replace(path)


class FolderWorkspace(LocalWorkspace):
    """A workspace that selects stacks without the engine, for which each is a run of its own."""

    def select_stack(self, _stack_name: str) -> None:
        """Do nothing: each run names its stack, and the state that it is given makes the stack."""


class Workspaces:
    """The stacks of the Automation API, each created once, and queries about them; an `EngineError` where one fails.

    Raises EngineMissingError: the Kubernetes provider is missing.
    """

    def __init__(
        self, folder: ScratchFolder, backend: Backend, command: EngineCommand, kubeconfig: Path | None
    ) -> None:
        self._folder = folder
        self._backend = backend
        self._options: dict[str, Any] = {
            "pulumi_home": str(make_home(folder.path / "home", pulumi_home(), find_provider())),
            "env_vars": engine_environment(backend, kubeconfig),
            "project_settings": ProjectSettings(name=PROJECT, runtime="python"),
            "pulumi_command": command,
        }
        self._stacks: dict[str, Stack] = {}

    @property
    def local(self) -> bool:
        """Whether the folder keeps the states, and not another backend."""
        return self._backend.url == self._folder.backend_url

    def work_folder(self, namespace: str) -> str:
        """Return the folder that the engine runs in."""
        return str(self._folder.work_folder(namespace))

    def get(self, namespace: str) -> Stack:
        """Return the stack of a namespace, created if it is missing."""
        stack = self._stacks.get(namespace)
        if stack is None:
            options = {**self._options, "work_dir": self.work_folder(namespace)}
            with _readable():
                workspace = FolderWorkspace(**options) if self.local else LocalWorkspace(**options)
                stack = Stack.create_or_select(namespace, workspace)
            self._stacks[namespace] = stack
        return stack

    def exported(self, namespace: str) -> Deployment | None:
        """Return the state of a stack in the backend; None if there is no stack, which is not created."""
        options = {**self._options, "work_dir": self.work_folder(namespace)}
        with _readable(), suppress(StackNotFoundError):
            return LocalWorkspace(**options).export_stack(namespace)
        return None

    def drop(self, namespace: str) -> None:
        """Forget the stack of a namespace."""
        self._stacks.pop(namespace, None)

    def ask(self, namespace: str, query: Callable[[Stack], T]) -> T:
        """Return the engine's answer to a query about a stack."""
        with _readable():
            return query(self.get(namespace))


@contextmanager
def _readable() -> Iterator[None]:
    """Raise errors fit for a user: those of the Automation API quote the engine's whole output."""
    try:
        yield
    except CommandError as error:
        cause = error.__cause__
        raise cause if isinstance(cause, EngineError) else EngineError("the Pulumi engine failed") from None
