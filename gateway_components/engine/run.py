"""One run of the engine with a program of ours."""

from collections.abc import Callable, Iterable, Sequence

from pulumi.automation import CommandResult, EngineEvent, Stack

from gateway_components.engine.server import Program, served

__all__ = ["run_program"]


def run_program(
    stack: Stack,
    command: Sequence[str],
    targets: Iterable[str],
    program: Program,
    on_event: Callable[[EngineEvent], None],
) -> CommandResult:
    """Run a program in a stack.

    It does what ``Stack.up`` does, without the three questions that this asks the engine after each run, twice for the
    outputs of the stack and once for its history: they take longer than the run.

    Parameters
    ----------
    stack
        The stack; the command of its workspace is run.
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
    pulumi.automation.CommandError
        The engine failed.
    EngineError
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
        return workspace.pulumi_command.run(arguments, workspace.work_dir, environment)
