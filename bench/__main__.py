"""`python -m bench`: measure the daemon on control planes of its own; no time makes it fail."""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.parts import PARTS
from bench.report import machine_facts, page, print_results, write_plots
from bench.scale import SCALES, Scale
from demo.samples import PROJECT
from lab.signals import Signalled, raise_signals

_BUILD, _DOCS = PROJECT / "build" / "benchmarks", PROJECT / "docs" / "benchmarks"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when something could not be measured."""
    options = _parse(arguments)
    raise_signals()
    folder = _DOCS if options.docs else _BUILD
    folder.mkdir(parents=True, exist_ok=True)
    try:
        results = _measure(options.scale, options.parts, folder / "benchmarks.json", keep=options.keep)
    except Signalled as signalled:
        return 128 + signalled.number
    (folder / "README.md").write_text(page(results, write_plots(results, folder)))
    print_results(Console(highlight=False), results)
    print(f"Page, plots and every sample are in {folder.relative_to(PROJECT)}/")
    return int(any("error" in part for part in results["parts"].values()))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick",
        dest="scale",
        action="store_const",
        const="quick",
        default="full",
        help="smaller numbers: about two minutes",
    )
    parser.add_argument(
        "--docs", action="store_true", help="write to docs/benchmarks, not to build/benchmarks"
    )
    parser.add_argument(
        "--parts", nargs="+", choices=list(PARTS), default=list(PARTS), help="what to measure (default: all)"
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the other parts of an earlier run of this scale"
    )
    return parser.parse_args(arguments)


def _measure(scale: str, parts: list[str], file: Path, *, keep: bool) -> dict[str, Any]:
    earlier = json.loads(file.read_text()) if keep and file.exists() else {}
    kept = earlier["parts"] if earlier.get("scale") == scale else {}
    results: dict[str, Any] = {"machine": machine_facts(), "scale": scale, "parts": dict(kept)}
    for name in parts:
        results["parts"][name] = _part(name, SCALES[scale])
        # After each: what was measured survives whatever becomes of the rest.
        file.write_text(json.dumps(results, indent=1) + "\n")
    return results


def _part(name: str, scale: Scale) -> dict[str, Any]:
    began = time.monotonic()
    facts = {"load_before": round(os.getloadavg()[0], 2)}
    _say(f"{name} …")
    try:
        measured = PARTS[name](scale, _say)
    except Exception as error:  # noqa: BLE001
        # Whatever it is: the other parts are worth having all the same.
        _say(f"{name}: {error}")
        lines = str(error).splitlines() or [repr(error)]
        measured = {"error": " … ".join(dict.fromkeys((lines[0], lines[-1])))}
    return {**facts, "seconds": round(time.monotonic() - began, 1), **measured}


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
