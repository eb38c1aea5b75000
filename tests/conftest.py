"""What tests of several folders share: one control plane and one daemon in each worker, and one to break."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog

from lab import ControlPlane
from tests.daemon.crds import CRDS, crd_names, remove_crds
from tests.daemon.harness import Daemon, Namespace, fresh_namespace
from tests.daemon.starts import note_environment, shared_imports
from tests.install.audit import Audit
from tests.pulumi_cli import ROOT

CLASSES = ROOT / "deploy" / "classes"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate", action="store_true", help="Write the expected plans below tests/plan/golden anew."
    )


@pytest.fixture(autouse=True)
def _log_by_default() -> None:
    """Undo what a command that ran in this process said of logs; others assert what is logged."""
    structlog.reset_defaults()
    # The default prints the local variables of each frame: of large objects, for minutes.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(),
        ]
    )


@pytest.fixture(scope="session", autouse=True)
def _shared_imports() -> Iterator[None]:
    """Say what the imports that daemons share see, and end their process where tests have started one."""
    note_environment()
    yield
    if shared_imports.cache_info().currsize:
        shared_imports().close()


class SharedDaemon:
    """The daemon of a worker; it sleeps while a test has daemons of its own on the same control plane."""

    def __init__(self, lab: ControlPlane, folder: Path) -> None:
        self._lab = lab
        self._folder = folder
        self._running: Daemon | None = None
        self._starts = 0

    def running(self) -> Daemon:
        """Return the daemon, started if it is not running."""
        if self._running is None:
            # A log of its own for each start.
            self._starts += 1
            # MCP servers of tests listen there.
            allowed = ("--allowed-upstream", "127.0.0.1")
            self._running = Daemon(self._lab, self._folder / str(self._starts), *allowed)
        self._running.wait_for("watching")
        return self._running

    def stop(self) -> None:
        """Stop it, if it is running."""
        if self._running is not None:
            self._running.stop()
            self._running = None


@pytest.fixture(scope="session")
def shared_daemon(lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedDaemon]:
    """The daemon that tests share which do not break it."""
    shared = SharedDaemon(lab, tmp_path_factory.mktemp("daemon"))
    yield shared
    shared.stop()


@pytest.fixture(scope="module")
def daemon(shared_daemon: SharedDaemon) -> Daemon:
    """A running daemon that looks after every namespace of the control plane."""
    return shared_daemon.running()


@pytest.fixture
def namespace(lab_namespace: str, lab: ControlPlane, shared_daemon: SharedDaemon) -> Namespace:
    """Return a fresh namespace that the shared daemon watches."""
    shared_daemon.running()
    return Namespace(lab, lab_namespace)


@pytest.fixture(scope="module")
def idle_lab(lab: ControlPlane, shared_daemon: SharedDaemon) -> ControlPlane:
    """The control plane with no daemon on it; each test starts its own, for its own namespaces."""
    shared_daemon.stop()
    return lab


@pytest.fixture
def place(idle_lab: ControlPlane) -> Iterator[Namespace]:
    """A fresh namespace of a control plane with no daemon on it."""
    with fresh_namespace(idle_lab) as namespace:
        yield namespace


@dataclass(frozen=True)
class Audited:
    """A control plane, and what was asked of it."""

    lab: ControlPlane
    audit: Audit


@pytest.fixture(scope="session")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """The control plane that may be broken; it notes who asks for what."""
    audit = Audit(tmp_path_factory.mktemp("audit"))
    # Off by default; distributions that have it on ask for a right more.
    strict = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with ControlPlane.start(crds=[CRDS], api_server_flags=(*audit.flags, strict)) as lab:
        lab.kubectl("apply", "-f", str(CLASSES))
        yield Audited(lab, audit)


@pytest.fixture(scope="session")
def breakable_lab(audited: Audited) -> ControlPlane:
    """A control plane with CRDs and classes whose parts tests may stop; they leave it as they found it."""
    return audited.lab


@pytest.fixture(scope="session")
def _crdless_lab() -> Iterator[ControlPlane]:
    with ControlPlane.start() as lab:
        yield lab


@pytest.fixture(scope="module")
def bare_lab(_crdless_lab: ControlPlane) -> ControlPlane:
    """A control plane with neither CRDs nor a daemon, for modules that install them; each leaves no daemon."""
    if names := crd_names(_crdless_lab):
        remove_crds(_crdless_lab, *names)
    return _crdless_lab


@pytest.fixture
def breakable_place(breakable_lab: ControlPlane) -> Iterator[Namespace]:
    """A fresh namespace of the control plane that may be broken."""
    with fresh_namespace(breakable_lab) as namespace:
        yield namespace
