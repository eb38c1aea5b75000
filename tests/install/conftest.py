"""A control plane that notes what the daemon asks for, and the installation on it."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab import ControlPlane
from tests.install.audit import Audit
from tests.pulumi_cli import ROOT

__all__ = ["Audited"]

CRDS = ROOT / "deploy" / "crds"


@dataclass(frozen=True)
class Audited:
    """A control plane, and what was asked of it."""

    lab: ControlPlane
    audit: Audit


@pytest.fixture(scope="package")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """A control plane on which nothing is installed but the CRDs."""
    audit = Audit(tmp_path_factory.mktemp("audit"))
    # Off by default; distributions that have it on ask for a right more.
    strict = "--enable-admission-plugins=OwnerReferencesPermissionEnforcement"
    with ControlPlane.start(crds=[CRDS], api_server_flags=(*audit.flags, strict)) as lab:
        yield Audited(lab, audit)
