"""Whatever the API server admits as objects of our kinds.

Objects have few names and refer to few others, so that many references lead somewhere, some to nothing, and some back.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from gateway_components import strict_yaml
from gateway_components.api.kinds import KINDS
from gateway_components.api.meta import API_VERSION, ApiObject
from gateway_components.api.parse import parse_as
from gateway_components.identity import Identity
from gateway_components.plan.snapshot import (
    Content,
    ExistingObject,
    Resource,
    Snapshot,
    Unreadable,
)
from tests.plan.make import (
    DEFAULT_CLASS,
    DEFAULT_TOOL_CLASS,
    OUR_CONTROLLER,
    OUR_TOOL_CONTROLLER,
    PATCH,
)
from tests.plan.texts import filled_text, json_maps, tricky_text

SECRET_VALUE = "hunter2"
"""Stands in every Secret and in passwords of URLs."""

quick = settings(max_examples=settings().max_examples // 3)
"""Few examples."""

whole = settings(max_examples=settings().max_examples // 8)
"""Fewer still, for whole snapshots, which take longer to draw than to plan."""

_NAMESPACES = ("team", "a")
_mostly = st.sampled_from([True] * 15 + [False])
_TARGETS = ("a", "b")
_targets = st.sampled_from(_TARGETS)
_namespaces = st.sampled_from(_NAMESPACES)
_places = st.tuples(_namespaces, _targets)
_places_of_routes = st.sampled_from([("team", "a"), ("team", "b"), ("a", "a"), ("a", "b--c"), ("a--b", "c")])
"""The last two give one key."""
_ages = st.sampled_from([None, "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z"])
_overlays = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(tricky_text, tricky_text, max_size=3),
        "annotations": st.dictionaries(tricky_text, tricky_text, max_size=3),
    },
)
_keys = st.fixed_dictionaries({"key": tricky_text}, optional={"name": _targets, "optional": st.booleans()})
_sources = st.one_of(
    st.builds(lambda key: {"secretKeyRef": key}, _keys),
    st.builds(lambda key: {"configMapKeyRef": key}, _keys),
    st.builds(lambda path: {"fieldRef": {"fieldPath": path}}, tricky_text),
    st.just({}),
)
_variables = st.fixed_dictionaries(
    {"name": st.one_of(st.sampled_from(["OPENAI_API_KEY", "PROMETHEUS_MULTIPROC_DIR", "A"]), tricky_text)},
    optional={"value": tricky_text, "valueFrom": _sources},
)
_origins = st.fixed_dictionaries(
    {},
    optional={
        "prefix": tricky_text,
        "secretRef": st.fixed_dictionaries({}, optional={"name": _targets, "optional": st.booleans()}),
        "configMapRef": st.fixed_dictionaries({}, optional={"name": _targets}),
    },
)
_models = st.fixed_dictionaries({"name": filled_text, "provider": filled_text})
_class_names = st.sampled_from([*["litellm"] * 6, "", None, "other", "gone"])


def _references(kind: str, *others: None) -> st.SearchStrategy[dict[str, str] | None]:
    """Draw references, most of which could lead to an object."""
    near = [{"name": name} for name in _TARGETS]
    far = [{"name": name, "namespace": namespace} for name in _TARGETS for namespace in _NAMESPACES]
    odd = [{}, {"name": "🙂\n"}, {"name": "a", "kind": "Service"}]
    return st.sampled_from([*near * 4, *far * 4, {"name": "a", "kind": kind}, *odd, *others])


_gateway_fields: dict[str, st.SearchStrategy[Any]] = {
    "env": st.lists(_variables, max_size=2),
    "envFrom": st.lists(_origins, max_size=2),
    "commonMetadata": _overlays,
    "podMetadata": _overlays,
    "guardrails": st.lists(_references("Guard"), min_size=1, max_size=2),
}
_specs: Mapping[str, st.SearchStrategy[Any]] = {
    "AiGateway": st.fixed_dictionaries(
        {"aiModels": st.lists(_models, min_size=1, max_size=3), "aiGatewayClassName": _class_names},
        optional={"port": st.integers(1, 65535), **_gateway_fields},
    ),
    "ToolGateway": st.fixed_dictionaries({"toolGatewayClassName": _class_names}, optional=_gateway_fields),
    "ToolServer": st.fixed_dictionaries(
        {"image": filled_text},
        optional={
            "port": st.integers(1, 65535),
            "path": tricky_text.map(lambda text: f"/{text}"),
            "transportType": st.sampled_from(["http", "sse"]),
        },
    ),
    "Guard": st.fixed_dictionaries(
        {
            "mode": st.lists(
                st.sampled_from(["pre_call", "post_call", "during_call"]), min_size=1, max_size=3, unique=True
            ),
            "providerRef": _references("GuardrailProvider"),
            "bedrock": st.fixed_dictionaries({"guardrailId": tricky_text}),
        },
        optional={
            "openaiModeration": st.fixed_dictionaries({}, optional={"model": tricky_text}),
            "presidio": st.fixed_dictionaries(
                {},
                optional={
                    "language": tricky_text,
                    "scoreThresholds": st.dictionaries(
                        tricky_text, st.sampled_from(["0.5", "1", "0", "high"]), max_size=2
                    ),
                    "entityActions": st.dictionaries(
                        tricky_text, st.sampled_from(["MASK", "BLOCK", "mask", "hide"]), max_size=2
                    ),
                },
            ),
        },
    ),
    "GuardrailProvider": st.fixed_dictionaries(
        {
            "type": st.sampled_from(["presidio-api", "openai-moderation-api", "bedrock-api"]),
            "presidio": st.sampled_from(
                [
                    None,
                    *[{"baseUrl": url} for url in ("http://p", "http://p/", "https://p:3000")],
                    {"baseUrl": "http://p", "apiKeySecretRef": {"name": "a", "key": "token"}},
                    *[{"baseUrl": url} for url in (f"http://me:{SECRET_VALUE}@p", "p:1", "*")],
                ]
            ),
            "openaiModeration": st.sampled_from(
                [
                    *[None, {}, {"baseUrl": "https://m/v1/"}, {"baseUrl": f"ftp://{SECRET_VALUE}/"}],
                    *[{"apiKeySecretRef": {"name": "a", "key": key}} for key in ("token", "token", "🙂")],
                    {"apiKeySecretRef": {"key": "token"}},
                ]
            ),
            "bedrock": st.fixed_dictionaries(
                {"region": st.sampled_from(["eu-central-1", "eu-central-1", ""])},
                optional={"credentialsSecretRef": _references("Secret")},
            ),
        },
    ),
}
_healthy: Mapping[str, st.SearchStrategy[Any]] = {
    "Guard": st.sampled_from(
        [
            {
                "mode": [mode, "pre_call"][:most],
                "providerRef": {"name": name},
                "bedrock": {"guardrailId": "id"},
            }
            for mode in ("during_call", "post_call")
            for most in (1, 2)
            for name in _TARGETS
        ]
    ),
    "GuardrailProvider": st.sampled_from(
        [
            {"type": "presidio-api", "presidio": {"baseUrl": "http://p"}},
            {"type": "openai-moderation-api"},
            {"type": "bedrock-api", "bedrock": {"region": "r", "credentialsSecretRef": {"name": "a"}}},
        ]
    ),
}
_hosts = st.builds("{}.{}.svc.cluster.local".format, _targets, _namespaces)
_paths = st.builds("/mcp/{}__{}".format, st.sampled_from(["team", "a", "a__b"]), st.sampled_from("abc"))
_urls = st.one_of(
    st.sampled_from(
        [
            "https://mcp.example.com/mcp",
            "http://mcp.example.com/v1/sse?a=b",
            "http://a/a b",
            "http://a:0",
            "http://<",
            f"http://me:{SECRET_VALUE}@host/a b",
            f"http://me:{SECRET_VALUE}@host",
        ]
    ),
    st.builds("http://{}{}".format, _hosts, st.one_of(_paths, st.sampled_from(["/mcp", "/", ""]))),
)
_tools = st.lists(st.sampled_from(["read", "erase", "team__a-erase", "get_*", ""]) | tricky_text, max_size=3)
_routes = st.fixed_dictionaries(
    {
        "upstream": st.one_of(
            st.builds(lambda url: {"external": {"url": url}}, _urls),
            st.builds(lambda server: {"toolServerRef": server}, _references("ToolServer")),
        ),
        "toolGatewayRef": _references("ToolGateway", None),
    },
    optional={
        "toolFilter": st.fixed_dictionaries({}, optional={"allow": _tools, "deny": _tools}),
    },
)


@st.composite
def _objects(draw: st.DrawFn, kind: str, most: int) -> list[Any]:
    """Draw up to `most` objects of a kind, of different names."""
    specs = {**_specs, "ToolRoute": _routes}[kind]
    if kind in _healthy:
        specs = st.one_of(_healthy[kind], specs)
    place = _places_of_routes if kind == "ToolRoute" else _places
    places = draw(st.lists(place, min_size=most - 1, max_size=most, unique=True))
    return [
        _parsed(
            kind,
            name,
            namespace,
            # The API server admits an object without a spec.
            draw(specs) if draw(_mostly) else None,
            creationTimestamp=draw(_ages),
            uid=draw(st.sampled_from([None, "uid"])),
            annotations={PATCH: draw(st.sampled_from([None, None, None, None, *_TARGETS]))},
        )
        for namespace, name in places
    ]


def _parsed(kind: str, name: str, namespace: str | None, spec: Any, **metadata: Any) -> ApiObject:
    about = {"name": name, "namespace": namespace, **metadata}
    return parse_as(KINDS[kind].model, {"metadata": about, "spec": spec})


_CLASSES: Any = tuple(
    _parsed(kind, name, None, {"controller": controller}, annotations={default: "true"})
    for kind, name, controller, default in (
        ("AiGatewayClass", "litellm", OUR_CONTROLLER, DEFAULT_CLASS),
        ("AiGatewayClass", "other", "example.com/controller", "none"),
        ("ToolGatewayClass", "litellm", OUR_TOOL_CONTROLLER, DEFAULT_TOOL_CLASS),
        ("ToolGatewayClass", "other", "example.com/controller", "none"),
    )
)
_patches = st.one_of(
    tricky_text,
    json_maps.map(strict_yaml.dump),
    st.sampled_from(["mcp_servers: {team__a: null}", "mcp_servers: null", "router_setings: {}"]),
)
_config_maps = st.dictionaries(
    st.builds(Identity, st.just("ConfigMap"), _namespaces, _targets),
    st.builds(lambda text: Content("digest", {"patch.yaml": text}), _patches),
    max_size=3,
)
_secrets = st.dictionaries(
    st.builds(Identity, st.just("Secret"), _namespaces, st.sampled_from(["a", "api-key-secrets"])),
    st.builds(
        lambda keys: Content(
            "digest", {"patch.yaml": f"a: {SECRET_VALUE}", "OPENAI_API_KEY": SECRET_VALUE}, keys
        ),
        st.sampled_from([None, frozenset(), frozenset({"OPENAI_API_KEY"})]),
    ),
    max_size=2,
)
_existing = st.dictionaries(
    st.builds(Identity, st.sampled_from(["ConfigMap", "Deployment", "Service"]), _namespaces, _targets),
    st.builds(
        ExistingObject,
        st.none() | st.tuples(st.just(API_VERSION), st.sampled_from(["AiGateway", "ToolGateway"]), _targets),
    ),
    max_size=1,
)
_RESOURCE_KINDS: tuple[str, ...] = ("Guard", "GuardrailProvider", "ToolServer")


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw gateways, routes and guards of some namespaces, healthy and broken, with what they refer to."""
    gateways = [*draw(_objects("AiGateway", 1)), *draw(_objects("ToolGateway", 3))]
    resources: dict[Identity, Resource] = {}
    for kind in _RESOURCE_KINDS:
        for found in draw(_objects(kind, 4)):
            reference = Identity(kind, found.metadata.namespace, found.metadata.name)
            readable = draw(_mostly)
            resources[reference] = found if readable else Unreadable("spec: is odd")
    odd = {Identity("ToolGateway", "team", "a"): Unreadable("spec: is odd", class_name="litellm")}
    known = {Identity(found.kind, found.metadata.namespace, found.metadata.name) for found in gateways}
    unreadable = draw(st.sampled_from([{}, {}, {}, {} if odd.keys() & known else odd]))
    return Snapshot(
        gateways=tuple(gateways),
        classes=_CLASSES,
        routes=tuple(draw(_objects("ToolRoute", 5))),
        unreadable_gateways=unreadable,
        resources=resources,
        contents={**draw(_config_maps), **draw(_secrets)},
        existing=draw(_existing),
    )
