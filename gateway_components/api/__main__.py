"""``python -m gateway_components.api``: write the CRDs to deploy/crds, or check that they are up to date."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway_components.api.crds import crd_yaml, file_name
from gateway_components.api.kinds import KINDS

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "crds"


def main(argv: list[str] | None = None) -> int:
    """Write the CRD files, or check them: return 1 where ``--check`` found one that is missing, stale or no kind's."""
    parser = argparse.ArgumentParser(prog="python -m gateway_components.api", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is stale")
    parser.add_argument(
        "--folder", type=Path, default=FOLDER, help="where the files are (default: deploy/crds)"
    )
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder
    # A definition that no kind has is stale, too.
    found: dict[str, str | None] = dict.fromkeys(file.name for file in folder.glob("*.yaml"))
    wanted = found | {file_name(kind): crd_yaml(kind) for kind in KINDS.values()}
    return write_files(folder, dict(sorted(wanted.items())), parser.prog, check=arguments.check)


def write_files(folder: Path, wanted: Mapping[str, str | None], command: str, *, check: bool) -> int:
    """Write the generated files of a folder; with `check`, report the stale ones on stderr, and return 1 for any.

    `wanted` has the text of each file by its path in the folder, None for one that must not exist, which only a check
    reports. `command` is the command that writes them, for messages.
    """
    files = {folder / name: text for name, text in wanted.items()}
    if check:
        stale = [file for file, text in files.items() if _content(file) != text]
        for file in stale:
            print(f"{file} is stale; run {command}", file=sys.stderr)  # noqa: T201
        return 1 if stale else 0
    for file, text in files.items():
        if text is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return 0


def _content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main())
