"""gatewayctl status and graph on a real API server: what is read, what is said where it cannot be, and the watch."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab import ControlPlane, wait_until
from tests.cli.status_cluster import DEPLOY, Command, apply
from tests.daemon.manifests import tool_gateway, tool_server
from tests.demo.terminal import Terminal
from tests.graph.drawings import read_mermaid

pytestmark = pytest.mark.lab

GATEWAYCTL = str(Path(sys.executable).with_name("gatewayctl"))
SECONDS = 30


def _environment(kubeconfig: Path) -> dict[str, str]:
    return {**os.environ, "KUBECONFIG": str(kubeconfig), "TERM": "xterm-256color"}


def _cells(text: str) -> list[list[str]]:
    """Return the words of each line, without ages."""
    return [[word for word in line.split() if not word[:-1].isdigit()] for line in text.splitlines() if line]


def test_a_namespace_with_unready_objects_gives_exit_code_0(command: Command, cluster: ControlPlane) -> None:
    done = command(cluster.kubeconfig, "status", "-n", "team")
    assert (done.returncode, done.stderr) == (0, "")
    assert _cells(done.stdout)[1::2] == [
        ["chat", "AiGateway", "litellm", "True", "AiGatewayReady", "http://chat.team.svc.cluster.local"],
        ["docs", "other/tools", "False", "UpstreamUnresolved"],
        ["pii", "presidio", "pre_call", "True", "presidio-api", "AiGateway", "team/chat"],
    ]


def test_the_namespace_of_the_context_goes_without_saying(
    command: Command, cluster: ControlPlane, tmp_path: Path
) -> None:
    text, kubeconfig = cluster.kubeconfig.read_text(), tmp_path / "kubeconfig"
    kubeconfig.write_text(text.replace("namespace: default", "namespace: team"))
    for arguments in (("status", "-o", "json"), ("graph",)):
        done = command(kubeconfig, *arguments)
        assert done == command(cluster.kubeconfig, *arguments, "-n", "team")
        assert done.returncode == 0
        assert "chat" in done.stdout

    kubeconfig.write_text(text.replace("namespace: default", "namespace: A/B"))
    refused = command(kubeconfig, "status")
    assert refused.returncode == 1
    assert 'namespace of the kubeconfig\'s context: is "A/B"' in refused.stderr


def test_all_namespaces_are_shown_in_order(command: Command, cluster: ControlPlane) -> None:
    done = command(cluster.kubeconfig, "status", "-A", "-o", "wide")
    names = [line[0] for line in _cells(done.stdout)]
    assert names == ["GATEWAY", "other/tools", "team/chat", "ROUTE", "team/docs", "GUARD", "team/pii"]
    assert "ToolServer team/docs" in done.stdout
    assert "no server" in done.stdout


@pytest.mark.parametrize(("output", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_programs_get_all_of_it(command: Command, cluster: ControlPlane, output: str, load: Any) -> None:
    report = load(command(cluster.kubeconfig, "status", "-n", "team", "-o", output).stdout)
    (shown,) = report["gateways"]
    assert shown.pop("created").endswith("Z")
    assert shown == {
        "kind": "AiGateway",
        "namespace": "team",
        "name": "chat",
        "ready": "True",
        "reason": "AiGatewayReady",
        "message": "",
        "class": "litellm",
        "url": "http://chat.team.svc.cluster.local",
    }
    assert [route["gateway"] for route in report["routes"]] == ["other/tools"]
    assert [found["providerType"] for found in report["guards"]] == ["presidio-api"]


def test_an_empty_namespace_says_so(command: Command, cluster: ControlPlane) -> None:
    done = command(cluster.kubeconfig, "status", "-n", "empty")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "no gateways, routes or guards in namespace empty; -A shows all namespaces\n"


def test_the_cluster_is_drawn_as_its_statuses_report(command: Command, cluster: ControlPlane) -> None:
    drawn = read_mermaid(command(cluster.kubeconfig, "graph", "-A").stdout)
    states = {text.split("\n")[1]: state for text, state in drawn.nodes}
    assert states == {
        "litellm": "ok",
        "other/tools": "unknown",
        "team/chat": "ok",
        "team/docs": "ok",  # the server of this name, which comes after the route
        "team/pii": "ok",
        "team/presidio": "ok",
    }
    assert ("ToolRoute\nteam/docs\n✗ UpstreamUnresolved\nno server", "broken") in drawn.nodes
    assert drawn.edges == 6
    around = read_mermaid(command(cluster.kubeconfig, "graph", "-n", "other").stdout)
    assert {text.split("\n")[1] for text, _ in around.nodes} == {"litellm", "other/tools", "team/docs"}


def test_who_may_read_one_namespace_sees_that(command: Command, cluster: ControlPlane) -> None:
    done = command(cluster.user_kubeconfig("alice"), "status", "-n", "team")
    assert done.returncode == 0
    assert _cells(done.stdout) == _cells(command(cluster.kubeconfig, "status", "-n", "team").stdout)
    notes = done.stderr.splitlines()
    assert [note.split(" may not")[0] for note in notes] == [
        "warning: AiGatewayClass",
        "warning: ToolGatewayClass",
    ]
    refused = command(cluster.user_kubeconfig("alice"), "status", "-A")
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)


@pytest.mark.parametrize("name", ["status", "graph"])
def test_who_may_read_nothing_is_told_what_to_ask_for(
    command: Command, cluster: ControlPlane, name: str
) -> None:
    done = command(cluster.user_kubeconfig("nobody"), name)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: AiGateway may not be read: ")
    assert "ask for the right to list and watch aigateways (and 7 more kinds)" in done.stderr


@pytest.mark.parametrize("arguments", [["status"], ["status", "--watch"], ["graph"]])
def test_a_cluster_that_is_not_there_is_one_line(
    command: Command, cluster: ControlPlane, tmp_path: Path, arguments: list[str]
) -> None:
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    elsewhere = tmp_path / "kubeconfig"
    elsewhere.write_text(yaml.safe_dump(config))
    done = command(elsewhere, *arguments)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("error: the API server gave no answer: ")
    assert f"see whether the cluster of {elsewhere} runs" in done.stderr


def test_a_missing_kubeconfig_is_one_line(command: Command, tmp_path: Path) -> None:
    done = command(tmp_path / "none", "status")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "none; set KUBECONFIG to one that exists" in done.stderr


def test_a_kind_whose_crd_is_missing_does_not_hide_the_others(
    command: Command, cluster: ControlPlane
) -> None:
    name = "runtime.agentic-layer.ai_toolservers.yaml"
    cluster.kubectl("delete", "-f", str(DEPLOY / "crds" / name), "--wait")
    try:
        done = command(cluster.kubeconfig, "status", "-n", "team")
        assert [line[0] for line in _cells(done.stdout)] == [
            "GATEWAY",
            "chat",
            "ROUTE",
            "docs",
            "GUARD",
            "pii",
        ]
        assert done.returncode == 0
        assert done.stderr == (
            "warning: the CRD toolservers.runtime.agentic-layer.ai is not installed; "
            "kubectl apply --server-side -f deploy/crds installs it\n"
        )
    finally:
        cluster.kubectl("apply", "-f", str(DEPLOY / "crds" / name))
        found = "crd/toolservers.runtime.agentic-layer.ai"
        cluster.kubectl("wait", "--for=condition=Established", found, "--timeout=120s")
        apply(cluster, "team", tool_server("docs"))


@contextmanager
def _watching(
    kubeconfig: Path, folder: Path, *arguments: str
) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a watch with its output in a file; stop it by Ctrl-C and see that it ends well."""
    out = folder / "out"
    with out.open("w") as written:
        process = subprocess.Popen(
            [GATEWAYCTL, "status", "--watch", *arguments],
            env=_environment(kubeconfig),
            stdout=written,
            stderr=subprocess.PIPE,
            text=True,
        )
    try:
        yield process, out
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()


def _wait_text(out: Path, text: str) -> None:
    wait_until(lambda: text in out.read_text(), timeout=SECONDS, what=f"{text!r} in the output")


def test_a_watch_prints_a_table_for_every_visible_change(cluster: ControlPlane, tmp_path: Path) -> None:
    with _watching(cluster.kubeconfig, tmp_path, "-n", "team") as (process, out):
        _wait_text(out, "pii")
        # Neither a change of what is not shown, nor one of another namespace, is a reason to print.
        cluster.kubectl("label", "aigateway/chat", "-n", "team", "unseen=yes")
        apply(cluster, "other", tool_gateway("unseen"))
        apply(cluster, "team", tool_gateway("seen"))
        _wait_text(out, "seen")
        cluster.kubectl("delete", "toolgateway/seen", "-n", "team")
        wait_until(lambda: out.read_text().count("GUARD") == 3, timeout=SECONDS, what="a third table")
    tables = out.read_text().split("GATEWAY   KIND")[1:]
    assert ["seen" in table for table in tables] == [False, True, False]
    assert "unseen" not in out.read_text()
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_watch_in_yaml_prints_a_document_per_change(cluster: ControlPlane, tmp_path: Path) -> None:
    with _watching(cluster.kubeconfig, tmp_path, "-n", "other", "-o", "yaml") as (_, out):
        _wait_text(out, "name: tools")
        apply(cluster, "other", tool_gateway("later"))
        _wait_text(out, "name: later")
    before, after = yaml.safe_load_all(out.read_text())
    assert len(after["gateways"]) == len(before["gateways"]) + 1


@pytest.mark.soak
def test_a_watch_continues_after_an_outage_of_the_api_server(cluster: ControlPlane, tmp_path: Path) -> None:
    with _watching(cluster.kubeconfig, tmp_path, "-n", "team") as (_, out):
        _wait_text(out, "pii")
        cluster.stop_api_server()
        cluster.start_api_server()
        apply(cluster, "team", tool_gateway("afterwards"))
        _wait_text(out, "afterwards")


def test_on_a_terminal_the_table_is_redrawn_until_control_c(cluster: ControlPlane, tmp_path: Path) -> None:
    environment = _environment(cluster.kubeconfig)
    command = [GATEWAYCTL, "status", "-w", "-o", "wide", "-n", "team"]
    terminal = Terminal(command, tmp_path, environment)
    try:
        wait_until(lambda: "pii" in terminal.text(), timeout=SECONDS, what="the first table")
        assert "UpstreamUnresolved" in terminal.text()
        assert "no server" in terminal.text()
        apply(cluster, "team", tool_gateway("drawn"))
        wait_until(lambda: "drawn" in terminal.text(), timeout=SECONDS, what="the next table")
        terminal.press_control_c()
        assert terminal.process.wait(SECONDS) == 0
        assert "Aborted" not in terminal.text()
    finally:
        terminal.close()


def test_a_cluster_without_our_crds_is_told_how_to_get_them(command: Command, cluster: ControlPlane) -> None:
    # The last test of this control plane: what was written on it goes with the CRDs.
    cluster.kubectl("delete", "-f", str(DEPLOY / "crds"), "--wait")
    done = command(cluster.kubeconfig, "status")
    assert (done.returncode, done.stdout) == (1, "")
    install = "kubectl apply --server-side -f deploy/crds"
    assert done.stderr == f"error: the CRDs are not installed; {install} installs them\n"
