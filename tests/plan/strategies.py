"""Whatever the API server admits as an AiGateway, and whatever YAML can hold."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from gateway_components import documents
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as
from gateway_components.plan.keys import Reference
from gateway_components.plan.snapshot import Content, Snapshot
from tests.plan.make import PATCH, gateway_class

__all__ = ["json_maps", "quick", "snapshots", "tricky_text"]

quick = settings(max_examples=100, deadline=None, derandomize=True)
"""Few examples, the same ones in every run."""

_TRICKY = (
    *(
        "",
        " ",
        "yes",
        "No",
        "on",
        "y",
        "null",
        "~",
        "true",
        "1e3",
        "0x1F",
        "0o17",
        "017",
        "08",
        "12:30:45",
        "1_0",
    ),
    *(
        "2025-01-01",
        ".inf",
        "=",
        "<<",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#",
        "*a",
        "&a",
        "!a",
        "%a",
        "@",
        "`",
        "{",
        "]",
    ),
    *(
        "a\nb",
        "a\n",
        "\n",
        "\n a",
        "a\r\nb",
        "\t",
        "a \nb",
        "\u2028",
        "\x85",
        "\x00",
        "\x1b",
        "\ufeff",
        "🙂",
        "---",
    ),
)

tricky_text = st.one_of(st.sampled_from(_TRICKY), st.text(max_size=20))
_filled_text = tricky_text.filter(bool)
_names = st.sampled_from(["a", "b", "c-1"])
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | tricky_text,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(tricky_text, below, max_size=3),
    max_leaves=10,
)
json_maps = st.dictionaries(tricky_text, _json, max_size=4)

_overlays = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.dictionaries(tricky_text, tricky_text, max_size=3),
        "annotations": st.dictionaries(tricky_text, tricky_text, max_size=3),
    },
)
_keys = st.fixed_dictionaries({"key": tricky_text}, optional={"name": _names, "optional": st.booleans()})
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
        "secretRef": st.fixed_dictionaries({}, optional={"name": _names, "optional": st.booleans()}),
        "configMapRef": st.fixed_dictionaries({}, optional={"name": _names}),
    },
)
_models = st.fixed_dictionaries({"name": _filled_text, "provider": _filled_text})
_specs = st.fixed_dictionaries(
    {"aiModels": st.lists(_models, min_size=1, max_size=4)},
    optional={
        "aiGatewayClassName": st.sampled_from(["litellm", "gone", ""]),
        "port": st.integers(1, 65535),
        "env": st.lists(_variables, max_size=3),
        "envFrom": st.lists(_origins, max_size=2),
        "commonMetadata": _overlays,
        "podMetadata": _overlays,
    },
)


def _gateway(name: str, spec: dict[str, Any] | None, patch: str | None, uid: str | None) -> AiGateway:
    metadata = {"name": name, "namespace": "team", "uid": uid, "annotations": {PATCH: patch}}
    return parse_as(AiGateway, {"metadata": metadata, "spec": spec})


_patches = st.one_of(tricky_text, json_maps.map(documents.dump))
_contents = st.dictionaries(
    st.builds(Reference, st.sampled_from(["ConfigMap", "Secret"]), st.just("team"), _names),
    st.builds(lambda text: Content("digest", {"patch.yaml": text}), _patches),
)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Draw a namespace of gateways, healthy and broken, with what they refer to."""
    gateways = draw(
        st.lists(
            st.builds(
                _gateway,
                _names,
                st.one_of(st.none(), _specs, _specs, _specs),
                st.one_of(st.none(), _names),
                st.sampled_from([None, "uid"]),
            ),
            max_size=3,
            unique_by=lambda found: found.metadata.name,
        )
    )
    return Snapshot(
        ai_gateways=tuple(gateways),
        ai_gateway_classes=(gateway_class(default="true"),),
        contents=draw(_contents),
    )
