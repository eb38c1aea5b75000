"""Namespaces that the shared daemon looks after."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import ControlPlane
from tests.daemon.harness import Namespace, fresh_namespace

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture
def other(lab: ControlPlane, namespace: Namespace) -> Iterator[Namespace]:
    """Return a second namespace."""
    # The dashes let a route of one namespace and one of the other have the same key.
    with fresh_namespace(lab, f"{namespace.name}--other") as second:
        yield second
