"""One run of the engine with a program of ours."""

from collections.abc import Callable, Iterable, Sequence

from pulumi.automation import CommandResult, EngineEvent, Stack

from gateway_components.engine.command import EngineCommand
from gateway_components.engine.server import Program, served

__all__ = ["run_program"]


def run_program(
    engine: EngineCommand,
    stack: Stack,
    command: Sequence[str],
    targets: Iterable[str],
    program: Program,
    on_event: Callable[[EngineEvent], None],
) -> CommandResult:
    """Run a program in a stack, and return output and exit code of the engine.

    It does what ``Stack.up`` does, without the three questions that this asks the engine after each run, twice for the
    outputs of the stack and once for its history: they take longer than the run.

    Parameters
    ----------
    engine
        Runs it.
    stack
        The stack.
    command
        What the engine is to do, with the options of that: ``up --yes``.
    targets
        Patterns of the URNs that it may touch.
    program
        Registers resources.
    on_event
        Is called with each diagnostic and each operation that failed.

    Raises
    ------
    EngineKilledError, EngineTimeoutError, EngineInterruptedError
        It was ended before it could tell.
    """
    workspace = stack.workspace
    # Without it, the engine has no event log.
    environment = {"PULUMI_DEBUG_COMMANDS": "true", **workspace.env_vars}
    if workspace.pulumi_home is not None:
        environment.setdefault("PULUMI_HOME", workspace.pulumi_home)
    with served(program, on_event) as address:
        arguments = [
            *command,
            *("--stack", stack.name),
            *("--client", address),
            *("--exec-kind", "auto.inline"),
            *("--event-log", f"tcp://{address}"),
            *("--color", "never"),
            "--suppress-outputs",
            "--suppress-progress",
            *(part for target in targets for part in ("--target", target)),
        ]
        return engine.execute(arguments, workspace.work_dir, environment)
