from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

import pytest

from gateway_components.api.kinds import KINDS
from lab.control_plane import ControlPlane
from lab.errors import ApiError
from lab.waiting import wait_until
from tests.api.clusters import collection, reference_crd, renamed

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def _served(lab: ControlPlane, path: str) -> bool:
    """Return whether the objects of a new CRD can be reached; it has no path first, and then no storage."""
    try:
        return lab.api.get(path) is not None
    except ApiError as error:
        if error.status != HTTPStatus.TOO_MANY_REQUESTS:
            raise
        return False


@pytest.fixture(scope="package")
def both(lab: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane with the reference CRDs beside ours."""
    crds = {kind: renamed(reference_crd(kind)) for kind in KINDS}
    for crd in crds.values():
        lab.api.create(CRDS, crd)
    for kind in crds:
        path = collection(kind, reference=True)
        wait_until(partial(_served, lab, path), timeout=60, what=f"{path} being served")
    yield lab
    for crd in crds.values():
        lab.api.delete(f"{CRDS}/{crd['metadata']['name']}")
