"""gatewayctl graph, of files."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.graph.drawings import read_dot, read_mermaid, read_svg
from tests.manifests.texts import EXTERNAL, GATEWAY, PATCHED, SAFE, TOOLS, joined

EXAMPLES = Path(__file__).parents[2] / "examples" / "demo"

DRAWINGS = {"mermaid": read_mermaid, "dot": read_dot, "svg": read_svg}


@pytest.mark.parametrize("output", DRAWINGS)
def test_files_are_drawn_with_what_is_wrong(run: Run, output: str) -> None:
    result = run("graph", str(EXAMPLES), "-o", output)
    drawn = DRAWINGS[output](result.stdout)
    states = {text.split("\n")[1]: state for text, state in drawn.nodes if text.startswith("ToolRoute")}
    assert states == {"default/calendar": "broken", "team/docs--find": "ok", "team--docs/find": "broken"}
    assert ("ToolServer\ndefault/calendar\n✗ NotFound\nit does not exist", "missing") in drawn.nodes
    assert result.exit_code == 1
    assert "error: ToolRoute calendar: " in result.stderr


def test_the_default_is_mermaid(run: Run) -> None:
    result = run("graph", "a.yaml", a=GATEWAY + SAFE)
    assert read_mermaid(result.stdout).nodes == (
        ("AiGateway\ndefault/example", "ok"),
        ("AiGatewayClass\nlitellm", "ok"),
    )
    assert (result.exit_code, result.stderr) == (0, "")


def test_what_others_run_is_drawn_as_theirs_and_no_error(run: Run) -> None:
    theirs = TOOLS.replace("litellm", "agentgateway")
    far = EXTERNAL.replace("{name: tools}", "{name: elsewhere}").replace("weather\n", "news\n", 1)
    result = run("graph", ".", a=joined(theirs, EXTERNAL, far))
    states = {text.split("\n")[1]: state for text, state in read_mermaid(result.stdout).nodes}
    assert states["default/tools"] == states["default/weather"] == states["default/news"] == "foreign"
    assert states["agentgateway"] == states["default/elsewhere"] == "unknown"
    assert result.exit_code == 0


def test_names_without_a_namespace_take_the_given_one(run: Run) -> None:
    assert "AiGateway<br/>far/example" in run("graph", "a.yaml", "-n", "far", a=GATEWAY).stdout


def test_an_object_that_its_schema_refuses_is_broken(run: Run) -> None:
    result = run("graph", "a.yaml", a=joined(GATEWAY.replace("gpt-4o", "''")))
    assert "AiGateway<br/>default/example<br/>✗ NotReadable" in result.stdout
    assert result.exit_code == 1


def test_a_failure_of_the_plan_stands_in_the_node(run: Run) -> None:
    result = run("graph", "a.yaml", a=PATCHED)
    assert "✗ ConfigPatchInvalid" in result.stdout


@pytest.mark.parametrize("output", DRAWINGS)
def test_output_is_the_same_in_every_run(run: Run, output: str) -> None:
    outputs = {run("graph", str(EXAMPLES), "-o", output).stdout for _ in range(2)}
    assert len(outputs) == 1
    assert outputs != {""}
