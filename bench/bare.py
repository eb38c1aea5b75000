"""The engine without the daemon: as cheap as the daemon runs it, and as the Automation API's tutorial has it."""

import copy
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pulumi
import pulumi_kubernetes
from pulumi import automation

from bench.client import Raw
from bench.processor import own_seconds
from bench.subjects import models
from gateway_components.api.gateways import AiGateway
from gateway_components.api.parse import parse_as
from gateway_components.components.naming import SKIP_AWAIT
from gateway_components.components.objects import Registration
from gateway_components.components.stack import planned_gateway
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.programs import find_engine
from gateway_components.engine.stacks import Stacks
from gateway_components.identity import Identity
from gateway_components.plan.generate import generate
from gateway_components.plan.objects import GatewayObjects
from gateway_components.plan.snapshot import Content
from lab import LabError

_LIMIT_SECONDS = 300.0

Planned = Mapping[Identity, GatewayObjects]


@dataclass(frozen=True)
class Run:
    """One run of the engine: its start and end on the clock of `time.perf_counter`, and seconds of processor time.

    That time is of this process and of the engine.
    """

    began: float
    ended: float
    processor: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


class Runs(Protocol):
    """Something that applies the objects of gateways of one namespace."""

    def apply(self, wanted: Planned) -> Run:
        """Bring the objects to the cluster."""


class BareEngine:
    """The daemon's own classes, called directly; the folder of the state is for this engine alone."""

    def __init__(self, state: ScratchFolder, kubeconfig: Path) -> None:
        self._stacks = Stacks(state, kubeconfig, _LIMIT_SECONDS)

    def apply(self, wanted: Planned) -> Run:
        """Bring the objects to the cluster.

        Raises LabError: the engine could not apply them.
        """
        (namespace,) = {key.namespace for key in wanted}
        used, began = own_seconds(), time.perf_counter()
        failures = self._stacks.apply(namespace, wanted, (), refresh=False).failures
        ended = time.perf_counter()
        if failures:
            raise LabError(f"bare engine: {next(iter(failures.values()))}")
        return Run(began, ended, own_seconds() - used)


class NaiveEngine:
    """Selects the stack and calls `up` each time, with everything left as it comes; `folder` is for its backend."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        folder.mkdir()
        engine = find_engine()
        self._command = automation.PulumiCommand(root=str(engine.parent.parent))
        self._environment = {
            # The engine finds its language host there.
            "PATH": f"{engine.parent}{os.pathsep}{os.environ['PATH']}",
            "PULUMI_BACKEND_URL": folder.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "KUBECONFIG": str(kubeconfig),
        }

    def apply(self, wanted: Planned) -> Run:
        """Bring the objects to the cluster."""

        def program() -> None:
            provider = pulumi_kubernetes.Provider("kubernetes", enable_config_map_mutable=True)
            options = pulumi.ResourceOptions(provider=provider)
            for key, objects in wanted.items():
                planned_gateway(key, objects, Registration(SKIP_AWAIT, options=options))

        used, began = own_seconds(), time.perf_counter()
        stack = automation.create_or_select_stack(
            stack_name="naive",
            project_name="naive",
            program=program,
            opts=automation.LocalWorkspaceOptions(env_vars=self._environment, pulumi_command=self._command),
        )
        stack.up()
        return Run(began, time.perf_counter(), own_seconds() - used)


def planned(gateways: Collection[Raw], model: str, secret_digest: str = "") -> Planned:
    """Return the objects of gateways, as they are stored with their UIDs, that have `model` as their only one.

    `secret_digest` is that of the Secret with the API keys of their namespace; empty for none.
    """
    objects = {}
    for raw in gateways:
        edited = copy.deepcopy(raw)
        edited["spec"].update(models(model))
        parsed = parse_as(AiGateway, edited)
        keys = Identity("Secret", raw["metadata"]["namespace"], "api-key-secrets")
        contents = {keys: Content(secret_digest)} if secret_digest else {}
        objects[parsed.identity] = generate(parsed, contents, resources={}, servers={}).objects
    return objects
