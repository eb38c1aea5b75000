"""CRDs that come and go on a control plane."""

from contextlib import suppress
from pathlib import Path
from secrets import token_hex

from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.daemon.harness import SECONDS

CRDS = Path(__file__).parents[2] / "deploy" / "crds"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def install_crds(lab: ControlPlane) -> None:
    """Install the CRDs and wait until they are served."""
    lab.kubectl("apply", "-f", str(CRDS))
    lab.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=120s")


def crd_names(lab: ControlPlane) -> list[str]:
    found = lab.api.get(DEFINITIONS)
    assert found
    return [crd["metadata"]["name"] for crd in found["items"]]


def remove_crds(lab: ControlPlane, *names: str) -> None:
    """Delete CRDs and wait until they are gone."""
    lab.kubectl("delete", "crd", *names, "--wait=false")

    def gone() -> bool:
        for name in names:
            with suppress(ApiError):
                # Whoever finalizes it waits ever longer after a failure, and looks again at every change.
                lab.api.merge(
                    f"{DEFINITIONS}/{name}", {"metadata": {"labels": {"woken": token_hex(4)}}}, "test"
                )
        return not set(names) & set(crd_names(lab))

    wait_until(gone, timeout=SECONDS, what=f"no CRDs {names}")
