"""Which cluster and namespace a kubeconfig leads to, by the rules of kubectl and of the Kubernetes provider."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.errors import InputError
from gateway_components.kubeconfig import (
    cluster_context,
    current_context,
    home_namespace,
    kubeconfig_text,
    pod_namespace,
)


def content(current: str | None = "dev", *names: str, **namespaces: str) -> str:
    contexts: list[dict[str, Any]] = [
        {"name": name, "context": {"cluster": f"{name}-cluster", **_in(namespaces.get(name))}}
        for name in names or ("dev", "prod")
    ]
    clusters = [
        {"name": f"{name}-cluster", "cluster": {"server": f"https://{name}:6443"}}
        for name in names or ("dev", "prod")
    ]
    return yaml.safe_dump({"current-context": current, "contexts": contexts, "clusters": clusters})


def _in(namespace: str | None) -> dict[str, str]:
    return {"namespace": namespace} if namespace else {}


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home with nothing in it, outside of any cluster."""
    for variable in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "POD_NAMESPACE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_a_context_names_server_and_namespace() -> None:
    found = cluster_context(content(prod="team-a"), "prod")
    assert (found.server, found.namespace) == ("https://prod:6443", "team-a")
    assert str(found) == 'context "prod" at https://prod:6443'


def test_the_current_context_goes_without_saying(elsewhere: Path) -> None:
    (elsewhere / ".kube").mkdir()
    (elsewhere / ".kube" / "config").write_text(content())
    assert str(cluster_context()) == 'context "dev" at https://dev:6443'
    assert cluster_context().namespace == "default"


def test_of_several_files_the_first_that_says_something_counts(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [content(None, "one"), content("two", "two"), content("three", "three")]
    files = [elsewhere / str(place) for place in range(3)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    monkeypatch.setenv("KUBECONFIG", ":".join(map(str, (elsewhere / "gone", *files))))
    assert cluster_context().name == "two"
    assert cluster_context(context="one").server == "https://one:6443"


def test_inside_a_cluster_no_kubeconfig_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("POD_NAMESPACE", "team-a")
    assert str(cluster_context()) == "the cluster that this runs in"
    assert cluster_context().namespace == "team-a"


def test_where_nothing_leads_anywhere_that_is_said() -> None:
    assert str(cluster_context()) == "no kubeconfig was found"


@pytest.mark.parametrize(
    ("kubeconfig", "context", "message"),
    [
        (content(), "prd", 'there is no context "prd" in the kubeconfig (did you mean prod?)'),
        (content(), "west", 'there is no context "west" in the kubeconfig (its contexts: dev, prod)'),
        (content("gone"), "", 'the current context is "gone", which is not in the kubeconfig'),
        ("/nowhere/config", "", "kubeconfig /nowhere/config cannot be read: No such file or directory"),
        ("a: [\ntoken: hunter2", "", "the given kubeconfig is not a YAML map"),
        ("- token\n- hunter2\n", "", "the given kubeconfig is not a YAML map"),
    ],
)
def test_what_leads_nowhere_is_refused(kubeconfig: str, context: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        cluster_context(kubeconfig, context)
    assert str(caught.value).startswith(message)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "contexts: 1\nclusters: {}\n",
        "contexts: [1, {name: 2, context: []}]\ncurrent-context: 3\n",
        "current-context:\ncontexts:\n",
    ],
)
def test_a_kubeconfig_of_odd_shape_breaks_nothing(text: str) -> None:
    assert cluster_context(text).namespace == "default"


def test_a_configured_path_begins_at_the_project(elsewhere: Path) -> None:
    assert kubeconfig_text("clusters/dev", elsewhere) == str(elsewhere / "clusters" / "dev")
    assert kubeconfig_text("/etc/dev", elsewhere) == "/etc/dev"
    assert kubeconfig_text("~/dev", elsewhere) == str(elsewhere / "dev")
    for text in (content(), '{"apiVersion": "v1"}'):
        assert kubeconfig_text(text, elsewhere) == text


TEAM = """
current-context: work
contexts:
- {name: play, context: {cluster: c, namespace: playground}}
- {name: work, context: {cluster: c, namespace: team}}
"""

KUBECONFIGS = [
    ("that of the current context", TEAM, "team"),
    ("the context names none", TEAM.replace(", namespace: team", ""), "default"),
    ("there is no current context", TEAM.replace("current-context: work", ""), "default"),
    ("the current context is not there", TEAM.replace(": work\n", ": gone\n", 1), "default"),
    ("no YAML: told by whoever connects", "a: [", "default"),
    ("no map", "- a", "default"),
    ("contexts are no list", "current-context: a\ncontexts: {a: b}", "default"),
    ("an entry is no map", "current-context: a\ncontexts: [a, {name: a, context: []}]", "default"),
]


@pytest.mark.parametrize(("why", "text", "expected"), KUBECONFIGS, ids=[case[0] for case in KUBECONFIGS])
def test_a_kubeconfig_says_which_namespace_is_meant(
    tmp_path: Path, why: str, text: str, expected: str
) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    assert home_namespace(path) == expected


def test_several_kubeconfigs_are_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("contexts: [{name: x, context: {namespace: first}}]\ncurrent-context: ''\n")
    (tmp_path / "b").write_text("contexts: [{name: x, context: {namespace: second}}]\ncurrent-context: x\n")
    (tmp_path / "c").write_text("contexts: [{name: y, context: {namespace: third}}]\ncurrent-context: y\n")
    joined = Path(":".join(str(tmp_path / name) for name in ("a", "gone", "b", "c")))
    assert home_namespace(joined) == "first"
    assert current_context(joined) == "x"


def test_a_missing_kubeconfig_means_default(tmp_path: Path) -> None:
    assert home_namespace(tmp_path / "gone") == "default"


def test_a_pod_finds_its_namespace(tmp_path: Path) -> None:
    account = tmp_path / "namespace"
    assert pod_namespace({}, account) is None
    account.write_text("from-account\n")
    assert pod_namespace({}, account) == "from-account"
    assert pod_namespace({"POD_NAMESPACE": "from-environment"}, account) == "from-environment"
