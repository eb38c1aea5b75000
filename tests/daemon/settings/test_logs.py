"""What is worth a line, and how it looks."""

import json
from collections.abc import Iterator

import pytest
import structlog

from gateway_components.daemon.settings.logs import configure_logs


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_the_level_changes_also_for_loggers_that_were_used(capsys: pytest.CaptureFixture[str]) -> None:
    level = configure_logs("json", "info")
    logger = structlog.get_logger().bind()
    logger.debug("unseen")
    logger.info("first")
    level.set("debug")
    logger.debug("second")
    level.set("warning")
    logger.info("unseen")
    logger.warning("third")
    logger.error("fourth", exc_info=ValueError())

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("first", "info"),
        ("second", "debug"),
        ("third", "warning"),
        ("fourth", "error"),
    ]
    assert "ValueError" in lines[-1]["exception"]


def test_auto_is_json_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("auto", "info")
    structlog.get_logger().info("told")
    assert json.loads(capsys.readouterr().err)["event"] == "told"


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("text", "info")
    structlog.get_logger().info("told", who="me")
    line = capsys.readouterr().err
    assert not line.startswith("{")
    assert "told" in line
