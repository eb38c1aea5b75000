"""Which namespace goes without saying."""

from pathlib import Path

import pytest

from gateway_components.kube.namespace import home_namespace, pod_namespace

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
    (tmp_path / "a").write_text("contexts: [{name: x, context: {namespace: first}}]\ncurrent-context: none\n")
    (tmp_path / "b").write_text("contexts: [{name: x, context: {namespace: second}}]\ncurrent-context: x\n")
    assert home_namespace(Path(f"{tmp_path / 'a'}:{tmp_path / 'gone'}:{tmp_path / 'b'}")) == "first"


def test_a_missing_kubeconfig_means_default(tmp_path: Path) -> None:
    assert home_namespace(tmp_path / "gone") == "default"


def test_a_pod_knows_its_namespace_by_environment_or_service_account(tmp_path: Path) -> None:
    account = tmp_path / "namespace"
    assert pod_namespace({}, account) is None
    account.write_text("from-account\n")
    assert pod_namespace({}, account) == "from-account"
    assert pod_namespace({"POD_NAMESPACE": "from-environment"}, account) == "from-environment"
