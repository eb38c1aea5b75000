"""Settings of the daemon."""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from gateway_components.crds.syntax import namespace_fault

__all__ = ["IN_CLUSTER", "LIVE", "Settings", "adopt"]

IN_CLUSTER = "cluster"
"""The backend that keeps states in Secrets."""

LIVE = frozenset({"workers", "batch_seconds", "engine_seconds", "stop_seconds", "log_level"})
"""Settings that may change while a daemon runs; the others need a new start."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://.")


def _fault(message: str, cure: str) -> PydanticCustomError:
    return PydanticCustomError("fault", "{message}; {cure}", {"message": message, "cure": cure})


def _namespace(name: str) -> str:
    fault = namespace_fault(name)
    if fault:
        raise _fault(fault.message, fault.cure)
    return name


def _backend(text: str) -> str:
    # The text stays out: a URL may hold a password.
    if text != IN_CLUSTER and not _URL.match(text):
        raise _fault("is neither cluster nor a URL", "Use cluster, or a URL such as s3://BUCKET.")
    return text


_Namespace = Annotated[str, AfterValidator(_namespace)]
_Backend = Annotated[str, AfterValidator(_backend)]


class Settings(BaseModel):
    """How a daemon runs; all times in seconds.

    Attributes
    ----------
    kubeconfig
        Credentials of the cluster; None for those of the pod it runs in.
    scratch_folder
        Where the engine works; used by one daemon at a time, and no loss where the state is kept elsewhere.
    backend
        Where the state is kept: ``cluster`` for Secrets beside the gateways, or the URL of a backend of Pulumi.
    install_namespace
        Namespace of what the daemon keeps for itself: its Lease and the passphrase of the state.
    namespaces
        The namespaces that are looked after; all where there are none.
    leader_election
        Whether a Lease lets one daemon of several act.
    http_port
        Port of health checks and metrics on all addresses; None for no server.
    workers
        Namespaces that are worked on at the same time: more than cores, for a run may wait for the API server.
    batch_seconds
        How long changes gather at most before a pass begins; a tenth of it where no more come.
    engine_seconds
        Limit of one engine run.
    stop_seconds
        How long a running pass may go on after SIGTERM before its engine run is interrupted.
    log_level
        The least that is worth a line.
    log_format
        Form of the log; ``auto`` is text on a terminal, else JSON.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kubeconfig: Path | None
    scratch_folder: Path
    backend: Annotated[_Backend, Field(repr=False)] = IN_CLUSTER
    install_namespace: _Namespace = "default"
    namespaces: tuple[_Namespace, ...] = ()
    leader_election: bool = True
    http_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=lambda: (os.cpu_count() or 1) + 2)
    batch_seconds: Annotated[float, Field(ge=0, le=10)] = 0.2
    engine_seconds: Annotated[float, Field(ge=1)] = 300.0
    stop_seconds: Annotated[float, Field(ge=0)] = 25.0
    log_level: Literal["debug", "info", "warning"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"

    def differing(self, other: "Settings") -> frozenset[str]:
        """Return the names of the settings that `other` has otherwise."""
        return frozenset(
            name for name in type(self).model_fields if getattr(self, name) != getattr(other, name)
        )


def adopt(current: Settings, wanted: Settings) -> Settings:
    """Return `current` with what of `wanted` can change while a daemon runs."""
    return current.model_copy(update={name: getattr(wanted, name) for name in LIVE})
