"""The tables of `gatewayctl status`: every state of a row, in full and at the width of an old terminal."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console, RenderableType

from gateway_components.cli.report import StatusReport, status_report
from gateway_components.cli.status import status_tables
from tests.graph.make import (
    CLASSES,
    Raw,
    ai_gateway,
    both,
    condition,
    guard,
    inventory,
    provider,
    route,
    server,
    tool_gateway,
)

NOW = datetime(2026, 1, 1, 0, 3, tzinfo=UTC)
LONG = 'configmap "x" not found; create it with a key patch.yaml, or remove the annotation from the gateway'
WHOLE = (
    *CLASSES,
    ai_gateway("chat", *both("AiGateway", reason="AiGatewayReady"), port=81),
    tool_gateway("tools", *both("ToolGateway", "False", "ConfigPatchInvalid", LONG), namespace="other"),
    route(
        "docs",
        {"name": "tools", "namespace": "other"},
        {"toolServerRef": {"name": "docs"}},
        condition("Ready", reason="Reconciled"),
        url="http://tools.other/mcp/team__docs",
    ),
    server("docs"),
    guard("pii", "presidio"),
    provider("presidio"),
)


def report(*raws: Raw, namespace: str | None = None) -> StatusReport:
    return status_report(inventory(*raws), namespace)


def lines(shown: RenderableType, width: int = 1000) -> list[str]:
    written = io.StringIO()
    Console(file=written, width=width).print(shown)
    return [line.rstrip() for line in written.getvalue().splitlines()]


def words(shown: RenderableType, width: int = 1000) -> str:
    return " ".join(" ".join(lines(shown, width)).split())


def test_the_full_table_has_a_line_for_each_object() -> None:
    assert lines(status_tables(report(*WHOLE), NOW)) == [
        "GATEWAY       KIND          CLASS     READY   REASON               AGE   URL",
        "other/tools   ToolGateway   litellm   False   ConfigPatchInvalid   3m",
        "team/chat     AiGateway     litellm   True    AiGatewayReady       3m    http://chat.team.svc.cluster.local:81",
        "",
        "ROUTE       GATEWAY       READY   REASON       AGE   URL",
        "team/docs   other/tools   True    Reconciled   3m    http://tools.other/mcp/team__docs",
        "",
        "GUARD      PROVIDER        MODES      READY   REASON   AGE   TYPE           USED BY",
        "team/pii   team/presidio   pre_call   True             3m    presidio-api",
    ]


def test_wide_adds_messages_and_upstreams() -> None:
    shown = words(status_tables(report(*WHOLE), NOW, wide=True))
    assert LONG in shown
    assert "ToolServer team/docs" in shown
    assert LONG not in words(status_tables(report(*WHOLE), NOW))


def test_the_namespace_that_was_asked_for_goes_without_saying() -> None:
    shown = lines(status_tables(report(*WHOLE, namespace="team"), NOW, "team"))
    assert [line.split()[0] for line in shown if line] == ["GATEWAY", "chat", "ROUTE", "docs", "GUARD", "pii"]
    assert "other/tools" in shown[4]


@pytest.mark.parametrize(
    ("raws", "cells", "detail"),
    [
        ((ai_gateway("chat"),), "Unknown NotReported", "no controller has handled it yet"),
        ((ai_gateway("chat", *both("AiGateway")),), "True Fine", "http://chat.team.svc.cluster.local"),
        (
            (ai_gateway("chat", *both("AiGateway", "False", "DeploymentRollingOut", "0 of 1")),),
            "False DeploymentRollingOut",
            "0 of 1",
        ),
        (
            (ai_gateway("chat", *both("AiGateway", "False", "ConfigPatchInvalid", LONG)),),
            "False ConfigPatchInvalid",
            LONG,
        ),
        (
            (
                guard("pii", "presidio"),
                provider("presidio"),
                ai_gateway("chat", guardrails=[{"name": "pii"}]),
            ),
            "presidio pre_call True",
            "AiGateway team/chat",
        ),
        ((guard("pii", "presidio"), provider("presidio")), "presidio pre_call True", "presidio-api"),
        (
            (guard("pii", "presidio"),),
            "presidio pre_call False",
            "GuardrailProvider team/presidio, which Guard team/pii refers to, does not exist",
        ),
        # A guard that a gateway names and that does not exist has a row as well.
        (
            (ai_gateway("chat", guardrails=[{"name": "pii"}]),),
            "pii - - False NotFound -",
            "it does not exist",
        ),
        # Lines and control characters of a message cannot break the table.
        (
            (ai_gateway("chat", *both("AiGateway", "False", "X", "a\n\tb\x1b[31m")),),
            "False X",
            "a b\N{REPLACEMENT CHARACTER}[31m",
        ),
        # What looks like markup is text.
        ((ai_gateway("chat", *both("AiGateway", "False", "X", "[red]a[/]")),), "False X", "[red]a[/]"),
    ],
)
def test_a_row_says_how_an_object_is_doing_and_why(raws: tuple[Raw, ...], cells: str, detail: str) -> None:
    shown = words(status_tables(report(*CLASSES, *raws), NOW, "team", wide=True))
    assert cells in shown
    assert detail in shown


def test_a_narrow_console_folds_columns_and_cuts_nothing() -> None:
    shown = lines(status_tables(report(*WHOLE), NOW, wide=True), 80)
    assert all(len(line) <= 80 for line in shown)
    assert not any("…" in line for line in shown)
    whole = sorted("".join(lines(status_tables(report(*WHOLE), NOW, wide=True))).replace(" ", ""))
    assert sorted("".join(shown).replace(" ", "")) == whole


def test_text_of_objects_is_neither_control_codes_nor_markup() -> None:
    hostile = "[/bold]\x1b]0;title\x07\u202e"
    raws = (
        ai_gateway("chat", guardrails=[{"name": hostile}], aiGatewayClassName=hostile),
        route("docs", {"name": hostile}, {"toolServerRef": {"name": hostile}}, url=hostile),
        guard("pii", hostile, hostile),
    )
    shown = lines(status_tables(report(*raws), NOW, wide=True))
    assert all(line.isprintable() for line in shown)
    assert any("[/bold]\N{REPLACEMENT CHARACTER}]0;title" in line for line in shown)


@pytest.mark.parametrize(
    ("created", "age"),
    [
        ("2026-01-01T00:02:59Z", "1s"),
        ("2026-01-01T00:01:01Z", "119s"),
        ("2025-12-31T23:00:00Z", "63m"),
        ("2025-12-31T20:00:00Z", "4h"),
        ("2025-12-01T00:00:00Z", "31d"),
        # The clock of the cluster is ahead of ours.
        ("2026-01-01T00:04:00Z", "0s"),
        ("some day", "?"),
    ],
)
def test_ages(created: str, age: str) -> None:
    gateway = ai_gateway("chat", *both("AiGateway"))
    gateway["metadata"]["creationTimestamp"] = created
    assert f"True Fine {age} " in words(status_tables(report(*CLASSES, gateway), NOW))


def test_the_order_of_rows_does_not_depend_on_that_of_objects() -> None:
    assert report(*reversed(WHOLE)) == report(*WHOLE)


def test_a_namespace_shows_its_objects_and_guards_in_use() -> None:
    user = ai_gateway("chat", guardrails=[{"name": "far", "namespace": "guards"}])
    others = (guard("far", "none", namespace="guards"), guard("unused", "none", namespace="guards"))
    found = report(user, *others, tool_gateway("tools", namespace="other"), namespace="team")
    assert [row.name for row in found.gateways] == ["chat"]
    assert [(row.namespace, row.name) for row in found.guards] == [("guards", "far")]


def test_nothing_at_all_is_said_to_be_so() -> None:
    assert lines(status_tables(report(*CLASSES), NOW)) == ["no gateways, routes or guards"]
