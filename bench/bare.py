"""The engine without the daemon: as cheap as the daemon runs it, and as the Automation API's tutorial has it."""

import copy
import time
from pathlib import Path
from typing import Protocol

import pulumi
import pulumi_kubernetes
from pulumi import automation

from bench.client import Raw
from bench.subjects import models
from gateway_components.components.objects import SKIP_AWAIT, Registration
from gateway_components.components.planned import planned_gateway
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from gateway_components.plan.plan import gateway_key, generate
from gateway_components.plan.workload import GatewayObjects
from lab import LabError

__all__ = ["BareEngine", "NaiveEngine", "Runs", "edited_objects"]

_LIMIT_SECONDS = 120.0


class Runs(Protocol):
    """Something that applies the objects of one gateway."""

    def apply(self, gateway: Raw, model: str) -> tuple[float, float, GatewayObjects]:
        """Give the gateway `model`; return when the run began and ended, and what it applied."""


class BareEngine:
    """The daemon's own classes, called directly.

    Parameters
    ----------
    state
        State folder, for this engine alone.
    kubeconfig
        Credentials of the cluster.
    """

    def __init__(self, state: StateFolder, kubeconfig: Path) -> None:
        self._stacks = Stacks(state, kubeconfig, _LIMIT_SECONDS)

    def apply(self, gateway: Raw, model: str) -> tuple[float, float, GatewayObjects]:
        """Give the gateway `model`; return when the run began and ended, and what it applied.

        Raises
        ------
        LabError
            The engine could not apply it.
        """
        edited, objects = edited_objects(gateway, model)
        key = gateway_key(edited)
        began = time.perf_counter()
        failures = self._stacks.apply(key.namespace, {key: objects}, (), refresh=False)
        ended = time.perf_counter()
        if failures:
            raise LabError(f"bare engine: {failures[key]}")
        return began, ended, objects


class NaiveEngine:
    """Selects the stack and calls `up` each time, with everything left as it comes.

    Parameters
    ----------
    folder
        For its backend.
    kubeconfig
        Credentials of the cluster.
    """

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        folder.mkdir()
        self._environment = {
            "PULUMI_BACKEND_URL": folder.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "KUBECONFIG": str(kubeconfig),
        }

    def apply(self, gateway: Raw, model: str) -> tuple[float, float, GatewayObjects]:
        """Give the gateway `model`; return when the run began and ended, and what it applied."""
        edited, objects = edited_objects(gateway, model)

        def program() -> None:
            provider = pulumi_kubernetes.Provider("kubernetes", enable_config_map_mutable=True)
            options = pulumi.ResourceOptions(provider=provider)
            planned_gateway(gateway_key(edited), objects, Registration(SKIP_AWAIT, options=options))

        began = time.perf_counter()
        stack = automation.create_or_select_stack(
            stack_name="naive",
            project_name="naive",
            program=program,
            opts=automation.LocalWorkspaceOptions(env_vars=self._environment),
        )
        stack.up()
        return began, time.perf_counter(), objects


def edited_objects(gateway: Raw, model: str) -> tuple[AiGateway, GatewayObjects]:
    """Return a gateway with `model` as its only one, and the objects it becomes."""
    edited = copy.deepcopy(gateway)
    edited["spec"].update(models(model))
    parsed = parse_as(AiGateway, edited)
    return parsed, generate(parsed, contents={}, resources={}, servers={}).objects
