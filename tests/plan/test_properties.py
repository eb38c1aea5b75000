"""What holds for every input of `plan`."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gateway_components import strict_yaml
from gateway_components.api.gateways import AiGateway
from gateway_components.identity import Identity
from gateway_components.plan.plan import Plan, plan
from gateway_components.plan.references import gateway_of_route, patch_reference
from gateway_components.plan.snapshot import Snapshot
from tests.plan.strategies import SECRET_VALUE, snapshots, whole

T = TypeVar("T")

BLOCKS = ("model_list", "mcp_servers", "litellm_settings", "guardrails")
ENTRY = ("url", "transport", "allowed_tools", "disallowed_tools", "allow_all_keys")
GUARDRAIL = (
    "guardrail",
    "mode",
    "default_on",
    "output_parse_pii",
    "presidio_analyzer_api_base",
    "presidio_anonymizer_api_base",
    "presidio_language",
    "presidio_score_thresholds",
    "pii_entities_config",
    "model",
    "api_base",
    "api_key",
    "guardrailIdentifier",
    "guardrailVersion",
    "aws_region_name",
    "aws_access_key_id",
    "aws_secret_access_key",
)
REASONS_OF_ROUTES = {
    "UpstreamUnresolved",
    "DuplicateServerName",
    "GatewayNotFound",
    "GatewayDegraded",
    "ReferenceNotPermitted",
    "RouteTooLarge",
    "ToolFilterInvalid",
}
REASONS_OF_GATEWAYS = {
    "ConfigGenerationFailed",
    "GuardrailsResolutionFailed",
    "ConfigPatchInvalid",
    "NameConflict",
}


def _ours(snapshot: Snapshot) -> set[Identity]:
    """Return the gateways that the classes of the strategies give us."""
    names = {found.identity: found.spec.class_name for found in snapshot.gateways}
    names |= {key: found.class_name for key, found in snapshot.unreadable_gateways.items()}
    return {key for key, name in names.items() if name in {None, "", "litellm"}}


def _texts(planned: Plan) -> Iterator[tuple[Identity, str]]:
    for key, found in planned.gateways.items():
        if found.objects:
            yield key, found.objects.config_map["data"]["config.yaml"]


def _unpatched(snapshot: Snapshot) -> Iterator[tuple[Identity, Any]]:
    """Yield the configs of gateways that no patch changes."""
    patched = {found.identity for found in snapshot.gateways if patch_reference(found)}
    for key, text in _texts(plan(snapshot)):
        if key not in patched:
            yield key, yaml.safe_load(text)


def _is_ordered(keys: Collection[str], order: tuple[str, ...]) -> bool:
    return list(keys) == [key for key in order if key in keys]


@whole
@given(snapshots())
def test_every_gateway_gets_objects_or_a_failure(snapshot: Snapshot) -> None:
    planned = plan(snapshot).gateways
    assert set(planned) == _ours(snapshot)
    for found in planned.values():
        assert (found.objects is None) == (found.failure is not None)
        if found.failure:
            assert found.failure.reason in REASONS_OF_GATEWAYS
            assert found.failure.message
            assert not found.warnings


@whole
@given(snapshots())
def test_every_route_gets_a_url_or_a_failure_with_a_cure(snapshot: Snapshot) -> None:
    planned = plan(snapshot)
    known = {found.identity for found in snapshot.gateways}
    known |= snapshot.unreadable_gateways.keys()
    for route in snapshot.routes:
        gateway = gateway_of_route(route)
        found = planned.routes.get(route.identity)
        if found is None:
            assert gateway in known
            assert gateway not in planned.gateways
        elif gateway is None:
            assert (found.url, found.failure) == (None, None)
        elif found.failure:
            assert (found.url, found.upstream) == (None, None)
            assert found.failure.reason in REASONS_OF_ROUTES
            assert found.failure.message
            assert found.failure.field
            assert found.failure.cure
        else:
            assert gateway in planned.gateways
            assert found.url
            assert found.upstream


@whole
@given(snapshots())
def test_urls_are_unique_and_in_the_config_of_their_gateway(snapshot: Snapshot) -> None:
    planned = plan(snapshot)
    urls = [found.url for found in planned.routes.values() if found.url]
    assert len(urls) == len(set(urls))
    for key, config in _unpatched(snapshot):
        served = {found.server for found in planned.routes.values() if found.gateway == key and found.url}
        assert set(config.get("mcp_servers", ())) == served


@whole
@given(snapshots())
def test_keys_of_every_config_are_in_the_documented_order(snapshot: Snapshot) -> None:
    for key, config in _unpatched(snapshot):
        assert _is_ordered(config, BLOCKS)
        assert ("mcp_servers" in config) == (key.kind == "ToolGateway") == ("model_list" not in config)
        servers = config.get("mcp_servers", {})
        assert list(servers) == sorted(servers)
        assert all(_is_ordered(entry, ENTRY) for entry in servers.values())
        for guardrail in config.get("guardrails", ()):
            assert list(guardrail) == ["guardrail_name", "litellm_params"]
            assert _is_ordered(guardrail["litellm_params"], GUARDRAIL)
            assert guardrail["litellm_params"]["mode"]


@whole
@given(snapshots())
def test_guardrails_of_a_config_have_different_names(snapshot: Snapshot) -> None:
    for _, config in _unpatched(snapshot):
        names = [guardrail["guardrail_name"] for guardrail in config.get("guardrails", ())]
        assert len(names) == len(set(names))


@whole
@given(snapshots())
def test_every_object_reads_back_the_same_from_yaml(snapshot: Snapshot) -> None:
    for found in plan(snapshot).gateways.values():
        for manifest in found.objects.manifests if found.objects else ():
            assert yaml.safe_load(strict_yaml.dump(manifest)) == manifest
            assert strict_yaml.parse(strict_yaml.dump(manifest)) == manifest


@whole
@given(snapshots())
def test_litellm_can_read_every_config(snapshot: Snapshot) -> None:
    models = {
        found.identity: [model.name for model in found.spec.ai_models]
        for found in snapshot.gateways
        if isinstance(found, AiGateway)
    }
    for key, config in _unpatched(snapshot):
        assert [model["model_name"] for model in config.get("model_list", ())] == models.get(key, [])


@whole
@given(snapshots())
def test_credentials_in_a_config_are_variables_of_the_container(snapshot: Snapshot) -> None:
    planned = plan(snapshot).gateways
    for key, config in _unpatched(snapshot):
        objects = planned[key].objects
        assert objects is not None
        (container,) = objects.deployment["spec"]["template"]["spec"]["containers"]
        variables = {variable["name"] for variable in container["env"]}
        for guardrail in config.get("guardrails", ()):
            for name in ("api_key", "aws_access_key_id", "aws_secret_access_key"):
                value = guardrail["litellm_params"].get(name, "")
                assert not value or value.removeprefix("os.environ/") in variables


@whole
@given(snapshots())
def test_no_secret_value_stands_anywhere_in_a_plan(snapshot: Snapshot) -> None:
    planned = plan(snapshot)
    assert SECRET_VALUE not in repr(planned)
    reported = [found.failure for found in planned.gateways.values()]
    reported += [found.failure for found in planned.routes.values()]
    assert SECRET_VALUE not in " ".join(str(failure) for failure in reported)


@whole
@given(snapshots(), st.randoms(use_true_random=False))
def test_order_of_the_input_is_irrelevant(snapshot: Snapshot, random: Any) -> None:
    def shuffled(found: Collection[T]) -> tuple[T, ...]:
        return tuple(random.sample(list(found), len(found)))

    def turned(found: Mapping[Any, T]) -> dict[Any, T]:
        return dict(shuffled(found.items()))

    again = plan(
        Snapshot(
            gateways=shuffled(snapshot.gateways),
            classes=shuffled(snapshot.classes),
            routes=shuffled(snapshot.routes),
            unreadable_gateways=turned(snapshot.unreadable_gateways),
            resources=turned(snapshot.resources),
            contents=turned(snapshot.contents),
            existing=turned(snapshot.existing),
        )
    )
    first = plan(snapshot)
    assert again == first
    assert list(again.gateways) == list(first.gateways)
    assert list(again.routes) == list(first.routes)
    assert list(_texts(again)) == list(_texts(first))


@whole
@given(snapshots())
def test_without_classes_nothing_is_ours_and_routes_are_told_so(snapshot: Snapshot) -> None:
    planned = plan(replace(snapshot, classes=()))
    assert not planned.gateways
    for found in planned.routes.values():
        assert found.gateway is None or (found.failure and found.failure.reason == "GatewayNotFound")
