"""The manifests of an installation: what holds for each of them, whatever it is given."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway_components.daemon.settings import Sources
from gateway_components.install import __main__ as command
from gateway_components.install.__main__ import deploy_files, one_file
from gateway_components.install.admission import admission_policy, allowed_writes
from gateway_components.install.manifests import installation_manifests
from gateway_components.install.options import IMAGE, NAME, Installation
from gateway_components.install.rbac import PERMISSIONS, Place, purpose, rbac

CHOSEN = Installation(
    "own",
    "registry.example.com/daemon:2",
    3,
    ("a", "b", "a"),
    default_class=True,
    cross_namespace=False,
    allowed_upstreams=("localhost",),
    gateway_image="registry.example.com/litellm:2",
    metrics_auth=True,
)
INSTALLATIONS = [Installation(), CHOSEN]


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_no_role_grants_all_verbs_or_all_resources(installation: Installation) -> None:
    for role in rbac(installation):
        for rule in role.get("rules", ()):
            words = {*rule["verbs"], *rule["resources"], *rule["apiGroups"]}
            assert not words & {"*", "escalate", "bind", "impersonate"}


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_every_rule_says_what_it_is_for(installation: Installation) -> None:
    for role in rbac(installation):
        assert all(map(purpose, role.get("rules", ()))), role["metadata"]["name"]


def test_a_rule_that_nobody_declared_has_no_purpose() -> None:
    assert purpose({"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}) == ""


def test_every_permission_is_granted_once_where_it_is_needed() -> None:
    for installation in INSTALLATIONS:
        purposes = [purpose(rule) for role in rbac(installation) for rule in role.get("rules", ())]
        # Where the rights hold in every namespace, they hold in that of the daemon, too.
        covered = set() if installation.namespaces else {Place.NOTES}
        if not installation.metrics_auth:
            covered.add(Place.METRICS)
        wanted = {permission.why for permission in PERMISSIONS if permission.place not in covered}
        assert wanted == set(purposes)


def test_for_chosen_namespaces_the_cluster_role_reaches_none() -> None:
    cluster_role, *_ = rbac(CHOSEN)
    allowed = {
        permission.why
        for permission in PERMISSIONS
        if permission.place in {Place.CLUSTER, Place.NAMESPACES, Place.METRICS}
    }
    assert {purpose(rule) for rule in cluster_role["rules"]} == allowed
    (namespaces,) = (rule for rule in cluster_role["rules"] if rule["resources"] == ["namespaces"])
    assert namespaces["resourceNames"] == ["a", "b"]


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_names_are_unique_and_every_binding_has_a_role(installation: Installation) -> None:
    manifests = installation_manifests(installation)
    names = [(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests]
    assert len(names) == len(set(names))
    for manifest in manifests:
        if "roleRef" in manifest:
            role = manifest["roleRef"]
            assert (role["kind"], manifest["metadata"].get("namespace"), role["name"]) in names
            (subject,) = manifest["subjects"]
            assert ("ServiceAccount", subject["namespace"], subject["name"]) in names


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_the_settings_file_is_one_that_the_daemon_takes(installation: Installation, tmp_path: Path) -> None:
    (settings,) = (m for m in installation_manifests(installation) if m["kind"] == "ConfigMap")
    (text,) = settings["data"].values()
    read = Sources(tmp_path, defaults={"kubeconfig": None, "scratch_folder": "x"}).settings(text)
    assert read.namespaces == tuple(dict.fromkeys(installation.namespaces))
    assert read.policy == installation.policy
    (deployment,) = (m for m in installation_manifests(installation) if m["kind"] == "Deployment")
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    # An interrupted engine run may take 10 s, and 2 more where it has to be killed.
    assert grace >= read.stop_seconds + 15


def test_other_settings_restart_the_pods() -> None:
    names = set()
    for installation in INSTALLATIONS:
        manifests = {manifest["kind"]: manifest for manifest in installation_manifests(installation)}
        volumes = manifests["Deployment"]["spec"]["template"]["spec"]["volumes"]
        (mounted,) = (volume["configMap"]["name"] for volume in volumes if "configMap" in volume)
        assert mounted == manifests["ConfigMap"]["metadata"]["name"]
        names.add(mounted)
    assert len(names) == len(INSTALLATIONS)


def test_an_installation_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "--print",
        "--metrics-auth",
        "--namespace=own",
        "--image=registry.example.com/daemon:2",
        "--replicas=3",
    ]
    arguments += ["--watch=a", "--watch=b", "--watch=a", "--default-class", "--no-cross-namespace"]
    arguments += ["--allowed-upstream=localhost", "--gateway-image=registry.example.com/litellm:2"]
    assert command.main(arguments) == 0
    printed = capsys.readouterr().out
    assert printed == one_file(CHOSEN)
    assert list(yaml.safe_load_all(printed)) == installation_manifests(CHOSEN)


def test_what_the_cluster_has_or_lacks_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--print", "--without-crds", "--without-admission-policy"]) == 0
    printed = list(yaml.safe_load_all(capsys.readouterr().out))
    whole = installation_manifests(Installation())
    left_out = [manifest["kind"] for manifest in whole if manifest not in printed]
    policies = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert left_out == ["CustomResourceDefinition"] * 8 + policies
    assert len(printed) == len(whole) - len(left_out)


def test_an_image_that_nobody_publishes_is_reported_at_its_line() -> None:
    for name in ("deploy/install.yaml", "deploy/daemon/deployment.yaml"):
        (line,) = (line for line in deploy_files()[name].splitlines() if f"image: {IMAGE}" in line)
        assert "nobody publishes it" in line
    assert "nobody publishes" not in one_file(CHOSEN), "there it was pushed to somewhere"


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_the_policy_lets_the_account_write_what_a_role_grants(installation: Installation) -> None:
    writes = set(allowed_writes())
    assert "DELETE secrets./" in writes
    assert "UPDATE toolroutes.runtime.agentic-layer.ai/status" in writes
    assert not {write for write in writes if write.startswith("DELETE") and "secrets" not in write}
    policy, binding = admission_policy(installation)
    (account,) = (condition["expression"] for condition in policy["spec"]["matchConditions"])
    assert account.endswith(f'== "system:serviceaccount:{installation.namespace}:litellm-gateways"')
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert (binding["spec"]["policyName"], binding["spec"]["validationActions"]) == (NAME, ["Deny"])


def test_the_files_in_the_project_are_fresh() -> None:
    assert command.main(["--check"]) == 0


def test_a_stale_or_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--folder", str(tmp_path)]) == 0
    assert command.main(["--folder", str(tmp_path), "--check"]) == 0
    stale, missing, *_ = deploy_files()
    (tmp_path / stale).write_text("old")
    (tmp_path / missing).unlink()
    assert command.main(["--folder", str(tmp_path), "--check"]) == 1
    stale_lines = capsys.readouterr().err.splitlines()
    assert [stale in stale_lines[0], missing in stale_lines[1], len(stale_lines)] == [True, True, 2]


def test_a_namespace_that_cannot_be_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway_components.install", "--print", "--watch=Team A"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Team A" in done.stderr
    assert "Traceback" not in done.stderr
