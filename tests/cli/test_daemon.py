"""Where `gatewayctl daemon` takes its settings from, and what it logs."""

import json
import os
from pathlib import Path

import pytest
import structlog
import yaml

from gateway_components.cli.daemon import _log
from tests.gatewayctl import gatewayctl


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """Return a kubeconfig without a cluster, whose context names a namespace."""
    file = tmp_path / "kubeconfig"
    context = {"name": "here", "context": {"cluster": "gone", "namespace": "tenant"}}
    file.write_text(yaml.safe_dump({"current-context": "here", "contexts": [context]}))
    return file


GIVEN: tuple[tuple[dict[str, str], tuple[str, ...], int, str], ...] = (
    ({}, (), 2, "--install-namespace: is missing, and this process runs in no pod"),
    ({}, ("--install-namespace", "fine"), 4, "it has no entry 'gone' in clusters"),
    ({"GATEWAYCTL_DAEMON_INSTALL_NAMESPACE": "fine"}, (), 4, "it has no entry 'gone' in clusters"),
    ({"POD_NAMESPACE": "fine"}, (), 4, "it has no entry 'gone' in clusters"),
    ({"POD_NAMESPACE": "Bad Name"}, (), 2, "namespace of this pod"),
)
"""Variables, options, exit code, message: bad settings, or, with good ones, the kubeconfig without a cluster."""


@pytest.mark.parametrize(
    ("variables", "options", "code", "message"),
    GIVEN,
    ids=["nothing", "option", "variable", "pod", "bad pod"],
)
def test_the_home_of_a_daemon_is_said_or_that_of_its_pod(
    kubeconfig: Path,
    tmp_path: Path,
    variables: dict[str, str],
    options: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    scratch = ("--kubeconfig", str(kubeconfig), "--scratch-folder", str(tmp_path / "scratch"))
    environment = {key: value for key, value in os.environ.items() if key != "POD_NAMESPACE"} | variables

    done = gatewayctl("daemon", *scratch, *options, env=environment)

    assert (done.returncode, done.stderr.count(message)) == (code, 1), done.stderr


def test_lines_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    _log("json", "warning")
    logger = structlog.get_logger().bind()
    logger.debug("unseen")
    logger.info("unseen")
    logger.warning("first")
    logger.error("second", exc_info=ValueError())

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [("first", "warning"), ("second", "error")]
    assert "ValueError" in lines[-1]["exception"]


def test_auto_is_json_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    _log("auto", "info")
    structlog.get_logger().info("message")
    assert json.loads(capsys.readouterr().err)["event"] == "message"


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    _log("text", "info")
    structlog.get_logger().info("message", who="me")
    line = capsys.readouterr().err
    assert not line.startswith("{")
    assert "message" in line
