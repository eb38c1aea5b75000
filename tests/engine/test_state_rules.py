"""A state that holds anything but what the daemon keeps in it is refused, and the refusal names it."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.components.naming import PATCH_FIELD_MANAGER
from gateway_components.engine.checkpoint import applied_gateways, read_checkpoint, whole_checkpoint
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.engine.state_rules import check_deployment, check_secrets_provider
from tests.engine.stored import State, deployment, urn_of

DEEP = json.loads("[" * 400 + "]" * 400)
Change = Callable[[State], object]

STACK, PROVIDER, COMPONENT, CONFIG_MAP, SERVICE, DEPLOYMENT = range(6)
SECRET_MARK = "4dabf18193072939515e22adb298388d"
FILE_MARK = "c44067f5952c0a294b673a41bacd8c17"
ENCRYPTED_MARK = "1b47061264138c4ac30d75fd1eb44270"
ROOT = urn_of("team", "pulumi:pulumi:Stack", "litellm-gateways-team")
COREDNS = {
    "apiVersion": "apps/v1",
    "kind": "DeploymentPatch",
    "metadata": {"namespace": "kube-system", "name": "coredns"},
}
EXEC = '{"users":[{"name":"x","user":{"exec":{"command":"sh","args":["-c","id"]}}}]}'


def resource(number: int, **fields: Any) -> Change:
    return lambda state: state["resources"][number].update(fields)


def inside(number: int, *path: str, value: Any) -> Change:
    def change(state: State) -> None:
        found = state["resources"][number]
        for name in path[:-1]:
            found = found[name]
        found[path[-1]] = value

    return change


def more(**fields: Any) -> Change:
    return lambda state: state["resources"].append({"custom": False, **fields})


def of_type(type_: str) -> Change:
    return more(urn=urn_of("team", type_, "x"), type=type_)


def foreign_object(state: State) -> None:
    state["resources"].append(
        {
            **deepcopy(state["resources"][CONFIG_MAP]),
            "urn": urn_of("team", "kubernetes:core/v1:ConfigMap", "coredns"),
            "type": "kubernetes:core/v1:ConfigMap",
            "id": "kube-system/coredns",
        }
    )


def of_another_namespace(state: State) -> None:
    state["resources"] = json.loads(json.dumps(state["resources"]).replace("team/chat", "other/chat"))


PROVIDER_CASES: Mapping[str, tuple[Change, str]] = {
    "a plugin that runs a program": (inside(PROVIDER, "inputs", "kubeconfig", value=EXEC), "kubeconfig"),
    "credentials of another cluster": (inside(PROVIDER, "outputs", "kubeconfig", value=EXEC), "kubeconfig"),
    "a plugin from elsewhere": (
        inside(PROVIDER, "inputs", "pluginDownloadURL", value="https://evil.example"),
        "pluginDownloadURL",
    ),
    "a plugin of another version": (inside(PROVIDER, "inputs", "version", value="1.0.0"), "version"),
    "manifests that are written to files": (
        inside(PROVIDER, "inputs", "renderYamlToDirectory", value="/etc"),
        "renderYamlToDirectory",
    ),
    "a plugin of another kind": (
        inside(PROVIDER, "inputs", "__internal", value={"pluginDownloadURL": "https://evil.example"}),
        "__internal",
    ),
    "another context": (inside(PROVIDER, "inputs", "context", value="admin"), "context"),
    "another provider": (
        of_type("pulumi:providers:aws"),
        "pulumi:providers:aws::x",
    ),
    "a second provider": (
        lambda state: state["resources"].append(
            {
                **state["resources"][PROVIDER],
                "urn": urn_of("team", "pulumi:providers:kubernetes", "second"),
            }
        ),
        "second",
    ),
    "the provider twice": (lambda state: state["resources"].append(state["resources"][PROVIDER]), "twice"),
    "a provider with a provider": (resource(PROVIDER, provider="x::y"), "provider"),
    "an id that is no id": (resource(PROVIDER, id="a::b"), "pulumi:providers:kubernetes"),
}

OBJECT_CASES: Mapping[str, tuple[Change, str]] = {
    "an object of kube-system": (foreign_object, "coredns"),
    "an object of another namespace": (
        inside(SERVICE, "inputs", "metadata", "namespace", value="kube-system"),
        "ServicePatch.*namespace",
    ),
    "an object of another namespace as it was": (
        inside(SERVICE, "outputs", "metadata", "namespace", value="kube-system"),
        "outputs of .*ServicePatch",
    ),
    "an object of another namespace as it was applied": (
        inside(SERVICE, "outputs", "__inputs", "metadata", "namespace", value="kube-system"),
        "__inputs of .*ServicePatch",
    ),
    "fields of somebody else": (
        inside(SERVICE, "outputs", "__fieldManager", value="kubectl"),
        "__fieldManager",
    ),
    "fields of somebody else by an annotation": (
        inside(SERVICE, "inputs", "metadata", "annotations", PATCH_FIELD_MANAGER, value="kubectl"),
        "inputs.metadata.annotations.*ServicePatch",
    ),
    "fields of somebody else by the annotation as it was applied": (
        inside(
            SERVICE, "outputs", "__inputs", "metadata", "annotations", PATCH_FIELD_MANAGER, value="kubectl"
        ),
        "outputs.__inputs.metadata.annotations.*ServicePatch",
    ),
    "annotations that are none": (
        inside(SERVICE, "inputs", "metadata", "annotations", value="x"),
        "inputs.metadata.annotations",
    ),
    "an object of another namespace in the form of former versions": (
        lambda state: state["resources"][SERVICE]["outputs"].update(inputs=COREDNS, live=COREDNS),
        '"(inputs|live)" of outputs',
    ),
    "what the provider does not apply": (
        inside(SERVICE, "inputs", "live", value=COREDNS),
        '"live" of inputs',
    ),
    "a first version that is none": (
        inside(SERVICE, "outputs", "__initialApiVersion", value=1),
        "__initialApiVersion",
    ),
    "an object of another name": (inside(SERVICE, "inputs", "metadata", "name", value="kubernetes"), "name"),
    "an object without a name": (inside(SERVICE, "inputs", "metadata", value={}), "namespace or name"),
    "metadata that are none": (inside(SERVICE, "inputs", "metadata", value=[]), "namespace or name"),
    "another kind": (inside(CONFIG_MAP, "inputs", "kind", value="Secret"), "another kind"),
    "another id": (resource(SERVICE, id="kube-system/kubernetes"), "ServicePatch"),
    "a gateway of another namespace": (of_another_namespace, "another namespace than team"),
    "a whole object instead of a patch": (
        resource(CONFIG_MAP, type="kubernetes:core/v1:ConfigMap"),
        "a type that the daemon does not keep",
    ),
    "a Secret": (
        more(
            urn=urn_of(
                "team", "gateway-components:index:AiGateway$kubernetes:core/v1:SecretPatch", "team/chat"
            ),
            type="kubernetes:core/v1:SecretPatch",
        ),
        "SecretPatch",
    ),
    "a chart": (
        of_type("kubernetes:helm.sh/v3:Release"),
        "helm",
    ),
    "a command": (
        of_type("command:local:Command"),
        "command:local",
    ),
    "an object of no gateway": (
        resource(SERVICE, urn=urn_of("team", "kubernetes:core/v1:ServicePatch", "team/chat")),
        "belongs to no gateway",
    ),
    "an object of another owner": (
        resource(SERVICE, parent=ROOT),
        "below",
    ),
    "an object below nothing": (lambda state: state["resources"][SERVICE].pop("parent"), "below"),
    "an object by another provider": (
        resource(SERVICE, provider="urn:pulumi:team::x::y::z::1"),
        "provider of",
    ),
    "an object before its gateway": (lambda state: state["resources"].reverse(), "provider|depends|below"),
    "a dependency that is not there": (resource(SERVICE, dependencies=["urn:pulumi:team::x"]), "depends on"),
    "a dependency that is no name": (resource(SERVICE, dependencies=[[]]), "depends on"),
    "dependencies of another form": (
        resource(SERVICE, propertyDependencies={"spec": "x"}),
        "dependencies of",
    ),
    "another stack": (
        resource(STACK, urn=ROOT.replace(":team::", ":other::")),
        "of another stack than team",
    ),
    "another project": (
        resource(STACK, urn=ROOT.replace("::litellm-gateways::", "::billing::")),
        "another stack",
    ),
    "outputs of the stack": (resource(STACK, outputs={"x": 1}), "outputs"),
    "a gateway with a name of its own": (
        resource(COMPONENT, urn=urn_of("team", "gateway-components:index:AiGateway", "team/a/b")),
        "another namespace",
    ),
    "a gateway with inputs": (resource(COMPONENT, inputs={"x": 1}), "as the daemon registers it"),
    "no object": (lambda state: state["resources"].append([]), "not an object"),
    "a resource without a name": (lambda state: state["resources"].append({}), "without a name"),
}

FIELD_CASES: Mapping[str, tuple[Change, str]] = {
    "what is kept by others": (resource(SERVICE, external=True), '"external"'),
    "an imported object": (resource(SERVICE, importID="kube-system/x"), '"importID"'),
    "a protected object": (resource(SERVICE, protect=True), '"protect"'),
    "what goes with another": (resource(SERVICE, deletedWith="urn:x"), '"deletedWith"'),
    "another name": (resource(SERVICE, aliases=["urn:x"]), '"aliases"'),
    "a hook": (resource(SERVICE, resourceHooks={"beforeDelete": ["x"]}), '"resourceHooks"'),
    "a field in capitals, which the engine takes as well": (resource(SERVICE, URN="urn:x"), '"URN"'),
    "a field of another type": (resource(SERVICE, custom="yes"), "custom"),
    "a time that is none": (resource(SERVICE, created="now"), "created"),
    "a time of no zone": (resource(SERVICE, modified="2026-01-01T00:00:00"), "modified"),
    "resources in capitals": (lambda state: state.update(Resources=[]), '"Resources"'),
    "plugins in the manifest": (
        lambda state: state["manifest"].update(plugins=[{"name": "x", "path": "/x"}]),
        '"plugins" of the manifest',
    ),
    "operations that are pending": (
        lambda state: state.update(pending_operations=[]),
        '"pending_operations"',
    ),
    "resources that are no list": (lambda state: state.update(resources={}), "resources"),
}

VALUE_CASES: Mapping[str, tuple[Change, str]] = {
    "a file of the daemon": (
        inside(CONFIG_MAP, "inputs", "data", value={"x": {SECRET_MARK: FILE_MARK, "path": "/etc/x"}}),
        "a secret, a file or a reference",
    ),
    "something encrypted": (
        inside(CONFIG_MAP, "outputs", "data", value=[{SECRET_MARK: ENCRYPTED_MARK}]),
        "a secret",
    ),
    "no number": (inside(CONFIG_MAP, "inputs", "data", value=float("nan")), "not a number"),
    "more than any number": (inside(CONFIG_MAP, "inputs", "data", value=10**400), "not a number"),
    "something deep beside the values": (resource(CONFIG_MAP, stackTrace=DEEP), "levels deep"),
    "infinity": (inside(CONFIG_MAP, "inputs", "data", value=[float("-inf")]), "not a number"),
    "something very deep": (inside(CONFIG_MAP, "inputs", "data", value=DEEP), "levels deep"),
}

CASES = {**PROVIDER_CASES, **OBJECT_CASES, **FIELD_CASES, **VALUE_CASES}


def allowed(*gateways: str, **more: str) -> State:
    """Return a state that is right, as the rules get it: without what is dropped first."""
    return cast("State", json.loads(json.dumps(deployment("team", *gateways, **more))))


@pytest.mark.parametrize("case", CASES)
def test_what_no_daemon_writes_is_refused_by_name(case: str) -> None:
    change, named = CASES[case]
    state = allowed("chat")
    change(state)

    with pytest.raises(StateUnreadableError, match=f"(?s)not a state of a daemon.*({named})"):
        check_deployment(state, "team")


def test_a_refusal_is_no_longer_than_a_person_reads() -> None:
    state = allowed("chat")
    state["resources"][SERVICE]["urn"] += "x" * 1_000_000

    with pytest.raises(StateUnreadableError) as refused:
        check_deployment(state, "team")

    assert len(str(refused.value)) < 500


def test_what_the_daemon_writes_is_taken() -> None:
    for state in ({}, allowed(), allowed("chat", "a.b"), allowed("tools", kind="ToolGateway")):
        check_deployment(state, "team")
        check_secrets_provider(state)


ROUTE = "gateway-components:index:ToolRoute"
TOOLS = "gateway-components:index:ToolGateway"


def with_route(name: str, **fields: Any) -> State:
    """Return a state with a gateway for tools and a route of it."""
    gateway = {"urn": urn_of("team", TOOLS, "team/tools"), "type": TOOLS, "custom": False, "parent": ROOT}
    route = {
        "urn": urn_of("team", f"{TOOLS}${ROUTE}", name),
        "type": ROUTE,
        "custom": False,
        "parent": gateway["urn"],
        "outputs": {"url": "http://tools.team.svc.cluster.local/mcp/far__news"},
    }
    state = allowed("chat")
    state["resources"] += [gateway, {**route, **fields}]
    return state


def test_routes_of_a_gateway_are_taken() -> None:
    check_deployment(with_route("team/tools/far/news.v1"), "team")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("team/tools/news", {}),
        ("other/tools/far/news", {}),
        ("team/tools/far/../x", {}),
        ("team/tools/far/a b", {}),
        ("team/more/far/news", {}),
        ("team/tools/far/news", {"parent": ROOT}),
        ("team/tools/far/news", {"inputs": {"x": 1}}),
        ("team/tools/far/news", {"custom": True, "id": "x"}),
        ("team/tools/far/news", {"urn": urn_of("team", ROUTE, "team/tools/far/news")}),
    ],
)
def test_a_route_that_no_daemon_keeps_is_refused(name: str, fields: Mapping[str, Any]) -> None:
    with pytest.raises(StateUnreadableError, match="not a state of a daemon"):
        check_deployment(with_route(name, **fields), "team")


def test_what_a_run_left_to_be_deleted_is_taken() -> None:
    state = allowed("chat")
    state["resources"].append({**state["resources"][SERVICE], "delete": True})
    state["resources"][DEPLOYMENT]["initErrors"] = ["it does not come"]

    check_deployment(state, "team")


SECRETS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"type": "cloud", "state": {"url": "awskms://evil"}}, "the engine would ask somebody else"),
    ({"type": "service", "state": {}}, "the engine would show its token to the service"),
    ({"type": "passphrase", "state": {"salt": "v1:x\nconfig: {}"}}, "it is written into a file of YAML"),
    ({"type": "passphrase", "state": {"salt": 7}}, "no text"),
    ({"type": "passphrase", "state": {"salt": "v1:x", "more": 1}}, "more than a salt"),
    ({"type": "passphrase", "state": []}, "not an object"),
    ({"state": {}}, "no type"),
)


@pytest.mark.parametrize(("provider", "why"), SECRETS, ids=[case[1] for case in SECRETS])
def test_another_secrets_provider_is_refused(provider: Mapping[str, Any], why: str) -> None:
    with pytest.raises(StateUnreadableError, match="the secrets provider"):
        check_secrets_provider({"secrets_providers": provider})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)
TEMPLATE = deployment("team", "chat")
FIELDS = sorted({name for one in TEMPLATE["resources"] for name in one})


@given(number=st.integers(0, 5), field=st.sampled_from(FIELDS), value=JSON)
def test_a_field_with_any_value_is_taken_or_refused(number: int, field: str, value: Any) -> None:
    state = allowed("chat")
    state["resources"][number][field] = value

    try:
        check_deployment(state, "team")
    except StateUnreadableError:
        return
    # What is taken can be worked with.
    assert whole_checkpoint("team", state)
    applied_gateways(state)


@given(JSON | st.binary().map(lambda content: content.decode("latin-1")))
def test_any_document_is_read_or_refused(document: Any) -> None:
    for content in (
        json.dumps(document).encode(),
        json.dumps({"deployment": document}).encode(),
        json.dumps({"version": 3, "checkpoint": {"latest": document}}).encode(),
        json.dumps({"deployment": {"resources": [document]}}).encode(),
        json.dumps({"deployment": {"manifest": document, "resources": TEMPLATE["resources"]}}).encode(),
    ):
        try:
            read = read_checkpoint(content)
            check_deployment(read, "team")
        except StateUnreadableError:
            continue
        applied_gateways(read)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        check_deployment(read_checkpoint(content), "team")
    except StateUnreadableError:
        return
