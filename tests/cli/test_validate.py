"""gatewayctl validate."""

from pathlib import Path

from tests.cli.conftest import Run
from tests.manifests.texts import (
    EXTERNAL,
    GATEWAY,
    PATCH,
    PATCHED,
    ROUTE,
    SAFE,
    SECRET,
    SERVER,
    TOOLS,
    joined,
)

EXAMPLES = Path(__file__).parents[2] / "examples" / "manifests"


def test_healthy_manifests_print_nothing_but_a_summary(run: Run) -> None:
    result = run("validate", ".", a=joined(PATCHED + SAFE, PATCH))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 gateway, 0 routes, 0 errors, 0 warnings\n"


def test_all_faults_are_printed_with_their_places(run: Run) -> None:
    files = {"a": PATCHED, "b": GATEWAY.replace("provider: openai", "prowider: x"), "c": "a: ["}
    result = run("validate", ".", **files)
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert [line.split(": ")[0] for line in lines] == ["a.yaml:6", "b.yaml:8", "b.yaml:9", "c.yaml:2"]
    assert result.stderr == "1 gateway, 0 routes, 4 errors, 0 warnings\n"


def test_warnings_alone_are_no_failure(run: Run) -> None:
    result = run("validate", "a.yaml", a=joined(GATEWAY + SAFE, "kind: Pod\n"))
    assert result.exit_code == 0
    assert result.stdout.startswith("a.yaml:14: warning: 1 object of another kind is left out: Pod\n")
    assert result.stderr == "1 gateway, 0 routes, 0 errors, 1 warning\n"


def test_routes_are_counted_and_one_that_is_broken_is_a_failure(run: Run) -> None:
    result = run("validate", ".", a=TOOLS + SAFE, b=joined(ROUTE, SERVER), c=EXTERNAL)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 gateway, 2 routes, 0 errors, 0 warnings\n"
    result = run("validate", ".", b=ROUTE)
    assert result.exit_code == 1
    assert result.stdout.startswith("b.yaml:9: error: ToolRoute files: spec.upstream.toolServerRef: ")
    assert result.stderr == "1 gateway, 2 routes, 1 error, 0 warnings\n"


def test_a_missing_master_key_and_logged_prompts_are_warnings(run: Run) -> None:
    result = run("validate", "a.yaml", a=GATEWAY)
    assert [line.split("; ")[0] for line in result.stdout.splitlines()] == [
        (
            "a.yaml:5: warning: AiGateway example: spec.env: there is no master key, so anyone who reaches the "
            "gateway can use the API keys of its providers, and have them sent elsewhere"
        ),
        (
            "a.yaml:5: warning: AiGateway example: spec.env: the callback otel has no endpoint, so what is asked and "
            "answered is written to the pod's log"
        ),
    ]


def test_secret_values_are_never_printed(run: Run) -> None:
    for data in ("data: {k: hunter2!}", "data: {k: [hunter2]}", "stringData: {k: !hunter2 }"):
        result = run("validate", "a.yaml", a=f"{SECRET}{data}\n")
        assert result.exit_code == 1
        assert "a.yaml:5: error: " in result.stdout
        assert "hunter2" not in result.output


def test_missing_file_is_a_finding(run: Run) -> None:
    result = run("validate", "no.yaml")
    assert result.exit_code == 1
    assert result.stdout == "no.yaml:1: error: cannot be read: No such file or directory; check the path\n"


def test_namespace_that_cannot_exist_is_a_wrong_call(run: Run) -> None:
    result = run("validate", "a.yaml", "--namespace", "A_b", a=GATEWAY)
    assert result.exit_code == 2
    assert 'is "A_b", which is not a valid namespace name' in result.stderr


def test_no_files_is_a_wrong_call(run: Run) -> None:
    result = run("validate")
    assert result.exit_code == 2
    assert "Missing argument 'FILES...'" in result.stderr


def test_examples_are_valid(run: Run) -> None:
    result = run("validate", str(EXAMPLES))
    assert result.exit_code == 0
    assert all("no master key" in line or "the callback otel" in line for line in result.stdout.splitlines())
    assert ", 0 errors, " in result.stderr
    assert not result.stderr.startswith("0 gateways")
