"""Settings of the daemon."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings"]


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
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kubeconfig: Path | None
    scratch_folder: Path
    backend: str = "cluster"
    install_namespace: str = "default"
    namespaces: tuple[str, ...] = ()
    leader_election: bool = True
    http_port: Annotated[int, Field(ge=0, le=65535)] | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=lambda: (os.cpu_count() or 1) + 2)
    batch_seconds: Annotated[float, Field(ge=0, le=10)] = 0.2
    engine_seconds: Annotated[float, Field(ge=1)] = 300.0
    stop_seconds: Annotated[float, Field(ge=0)] = 25.0
