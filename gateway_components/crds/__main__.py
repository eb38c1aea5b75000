"""``python -m gateway_components.crds``: write the CRDs to deploy/crds, or check that they are fresh."""

import argparse
import sys
from pathlib import Path

from gateway_components.crds.kinds import KINDS
from gateway_components.crds.manifest import crd_yaml, file_name

__all__ = ["main"]

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "crds"


def main(argv: list[str] | None = None) -> int:
    """Write or check the CRD files.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process where left out.

    Returns
    -------
    int
        0, or 1 when ``--check`` found a file that is missing, stale or no kind's.
    """
    parser = argparse.ArgumentParser(prog="python -m gateway_components.crds", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not fresh")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the files are (default: deploy/crds)"
    )
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    wanted = {file_name(kind): crd_yaml(kind) for kind in KINDS.values()}
    if arguments.check:
        stale = _stale(folder, wanted)
        for name in stale:
            print(f"{folder / name} is not what the models say; run {parser.prog}", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


def _stale(folder: Path, wanted: dict[str, str]) -> list[str]:
    """Return the names of files that are missing or differ, and of files that no kind has."""
    found = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


if __name__ == "__main__":
    sys.exit(main())
