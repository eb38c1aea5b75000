"""The samples of the operator that is replaced, unchanged: `pulumi up`, the daemon, and components of a program."""

import json
import shutil
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import yaml

from gateway_components import (
    AiGateway,
    AiGatewayArgs,
    PresidioGuardArgs,
    PresidioProviderArgs,
    ToolGateway,
    ToolGatewayArgs,
    ToolRouteArgs,
)
from gateway_components.components.objects import MADE_BY
from gateway_components.manifests.stack import read_stack
from gateway_components.plan.references import PATCH_ANNOTATION
from lab import ControlPlane
from tests.components.recorder import run
from tests.daemon.harness import Daemon, Namespace
from tests.manifests.test_published import PUBLISHED
from tests.pulumi_cli import PulumiProject
from tests.stack.cluster import names

SAMPLES = PUBLISHED / "operator"
STACK = read_stack([SAMPLES])
Manifest = dict[str, Any]


@pytest.fixture
def cleared(lab: ControlPlane) -> Iterator[ControlPlane]:
    """The control plane, from which the namespaces of the samples go afterwards."""
    yield lab
    namespaces = [found["metadata"]["name"] for found in STACK.namespaces]
    lab.kubectl("delete", "namespace", "--ignore-not-found", "--wait=false", *namespaces)


def _objects(kind: str) -> dict[tuple[str, str], Manifest]:
    found = (one for file in SAMPLES.glob("*.yaml") for one in yaml.safe_load_all(file.read_text()))
    metadata = ((one["metadata"], one) for one in found if one and one["kind"] == kind)
    return {(one.get("namespace", ""), one["name"]): manifest for one, manifest in metadata}


def test_pulumi_up_and_then_the_daemon_run_them(
    cluster_project: PulumiProject, cleared: ControlPlane, daemon: Daemon
) -> None:
    for file in SAMPLES.glob("*.yaml"):
        shutil.copy(file, cluster_project.folder / "manifests")
    cluster_project.up("--skip-preview")
    urls = json.loads(cluster_project.run("stack", "output", "urls", "--json"))
    assert len(urls) == len(STACK.plan.gateways)
    for key in STACK.plan.gateways:
        assert f"Deployment/{key.name}" in names(cleared, key.namespace)
    cluster_project.run("destroy", "--yes", "--skip-preview")

    cleared.kubectl("apply", "-f", str(SAMPLES))
    for key in STACK.plan.gateways:
        Namespace(cleared, key.namespace).wait_ready(key.name, key.kind)
    for route in STACK.plan.routes:
        Namespace(cleared, route.namespace).wait_route(route.name, "Reconciled")
    ours = {key.namespace for key in STACK.plan.gateways}
    assert not [event for event in daemon.events("reconcile failed") if event["namespace"] in ours]
    kinds = "aigateways,toolgateways,toolroutes"
    for namespace in STACK.namespaces:
        cleared.kubectl("delete", kinds, "--all", "-n", namespace["metadata"]["name"])


def _guards(spec: Manifest) -> list[PresidioGuardArgs]:
    guards, providers = _objects("Guard"), _objects("GuardrailProvider")
    found = [guards[one["namespace"], one["name"]] for one in spec.get("guardrails", ())]
    return [
        PresidioGuardArgs(
            name=guard["metadata"]["name"],
            mode=guard["spec"]["mode"],
            provider=PresidioProviderArgs(base_url=_base_url(guard, providers)),
            language=guard["spec"]["presidio"]["language"],
            score_thresholds=guard["spec"]["presidio"]["scoreThresholds"],
            entity_actions=guard["spec"]["presidio"]["entityActions"],
        )
        for guard in found
    ]


def _base_url(guard: Manifest, providers: dict[tuple[str, str], Manifest]) -> str:
    reference = guard["spec"]["providerRef"]
    url: str = providers[reference["namespace"], reference["name"]]["spec"]["presidio"]["baseUrl"]
    return url


def _common(manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"]
    patch = (metadata.get("annotations") or {}).get(PATCH_ANNOTATION)
    texts = _objects("ConfigMap")[metadata["namespace"], patch]["data"] if patch else {"patch.yaml": "{}"}
    return {
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "env": manifest["spec"].get("env"),
        "config_patch": yaml.safe_load(texts["patch.yaml"]),
    }


@pytest.mark.parametrize("key", [key for key in STACK.plan.gateways if key.kind == "AiGateway"], ids=str)
def test_a_program_makes_the_same_of_an_ai_gateway(key: Any) -> None:
    manifest = _objects("AiGateway")[key.namespace, key.name]
    models, guards = manifest["spec"]["aiModels"], _guards(manifest["spec"])
    arguments = AiGatewayArgs(models=models, guardrails=guards, **_common(manifest))
    recorder = run(lambda: AiGateway("sample", arguments).url)
    _compare(recorder, key)


@pytest.mark.parametrize("key", [key for key in STACK.plan.gateways if key.kind == "ToolGateway"], ids=str)
def test_a_program_makes_the_same_tool_gateway_but_route_names(key: Any) -> None:
    manifest = _objects("ToolGateway")[key.namespace, key.name]
    # A program has its routes in the namespace of the gateway.
    served = [found for found in STACK.plan.routes.values() if found.gateway == key]
    urls = {found.key.name: found.upstream.entry["url"] for found in served if found.upstream}
    routes = [ToolRouteArgs(name=name, url=url) for name, url in urls.items()]
    arguments = ToolGatewayArgs(routes=routes, guardrails=_guards(manifest["spec"]), **_common(manifest))
    recorder = run(lambda: ToolGateway("sample", arguments).url)
    config = yaml.safe_load(recorder.inputs("ConfigMap")["data"]["config.yaml"])
    expected = yaml.safe_load(_planned(key).config_map["data"]["config.yaml"])
    assert config | {"mcp_servers": {}} == expected | {"mcp_servers": {}}
    assert [one["url"] for one in config["mcp_servers"].values() if "url" in one] == list(urls.values())


def _planned(key: Any) -> Any:
    objects = STACK.plan.gateways[key].objects
    assert objects
    return objects


def _compare(recorder: Any, key: Any) -> None:
    for manifest in _planned(key).manifests:
        inputs = deepcopy(recorder.inputs(manifest["kind"]))
        annotations = inputs["metadata"].get("annotations", {})
        # Only a program can lose objects by renaming what registers them.
        if annotations.pop(MADE_BY, None) and not annotations:
            del inputs["metadata"]["annotations"]
        assert inputs == manifest
