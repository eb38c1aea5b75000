"""`python -m demo`: show the project at work; on a terminal until Ctrl-C, elsewhere until all is shown."""

import argparse
import signal
import sys

from rich.console import Console
from rich.text import Text

import tools
from demo.errors import DemoError
from demo.show import show_lines, show_live
from demo.stage import set_up
from lab import LabError
from lab.signals import Signalled, raise_signals


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code.

    It is 0 when all was shown or Ctrl-C ended a demo on a terminal, 128 plus the number of another signal,
    or 1 when something did not work.
    """
    argparse.ArgumentParser(prog="python -m demo", description=__doc__).parse_args(arguments)
    raise_signals()
    console = Console(highlight=False)
    live = console.is_terminal and not console.is_dumb_terminal
    try:
        with set_up(console) as stage:
            (show_live if live else show_lines)(stage)
    except Signalled as signalled:
        return 0 if live and signalled.number == signal.SIGINT else 128 + signalled.number
    except (DemoError, LabError, tools.MissingToolError) as error:
        Console(stderr=True, highlight=False).print(Text(f"demo: {error}", style="red"), soft_wrap=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
