"""The manifests of an installation: what holds for each of them, whatever it is given."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway_components.daemon.settings.file import Sources
from gateway_components.install import __main__ as command
from gateway_components.install.files import deploy_files, one_file
from gateway_components.install.manifests import installation_manifests
from gateway_components.install.options import Installation
from gateway_components.install.rbac import purpose, rbac
from gateway_components.kube.permissions import PERMISSIONS, Place

CHOSEN = Installation("own", "registry.example.com/daemon:2", 3, ("a", "b", "a"), default_class=True)
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
        assert {permission.why for permission in PERMISSIONS} == set(purposes)


def test_for_chosen_namespaces_the_cluster_role_reaches_into_no_namespace() -> None:
    cluster_role, *_ = rbac(CHOSEN)
    allowed = {
        permission.why for permission in PERMISSIONS if permission.place in {Place.CLUSTER, Place.NAMESPACES}
    }
    assert {purpose(rule) for rule in cluster_role["rules"]} == allowed
    (namespaces,) = (rule for rule in cluster_role["rules"] if rule["resources"] == ["namespaces"])
    assert namespaces["resourceNames"] == ["a", "b"]


@pytest.mark.parametrize("installation", INSTALLATIONS)
def test_every_object_has_a_name_of_its_own_and_every_binding_a_role(installation: Installation) -> None:
    manifests = installation_manifests(installation)
    names = [(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests]
    assert len(names) == len(set(names))
    for manifest in manifests:
        if manifest["kind"].endswith("Binding"):
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
    (deployment,) = (m for m in installation_manifests(installation) if m["kind"] == "Deployment")
    grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    # An interrupted engine run may take 10 s, and 2 more where it has to be killed.
    assert grace >= read.stop_seconds + 15


def test_an_installation_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--print", "--namespace=own", "--image=registry.example.com/daemon:2", "--replicas=3"]
    assert command.main([*arguments, "--watch=a", "--watch=b", "--watch=a", "--default-class"]) == 0
    printed = capsys.readouterr().out
    assert printed == one_file(CHOSEN)
    assert list(yaml.safe_load_all(printed)) == installation_manifests(CHOSEN)


def test_the_files_in_the_project_are_fresh() -> None:
    assert command.main(["--check"]) == 0


def test_a_stale_or_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--folder", str(tmp_path)]) == 0
    assert command.main(["--folder", str(tmp_path), "--check"]) == 0
    stale, missing, *_ = deploy_files()
    (tmp_path / stale).write_text("old")
    (tmp_path / missing).unlink()
    assert command.main(["--folder", str(tmp_path), "--check"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [stale in told[0], missing in told[1], len(told)] == [True, True, 2]


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
