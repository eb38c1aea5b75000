"""``python -m gateway_components.install``: write or check what is generated, or print another installation."""

import argparse
import sys
from pathlib import Path

from gateway_components.crds.syntax import namespace_fault
from gateway_components.install.files import deploy_files, one_file
from gateway_components.install.options import IMAGE, NAMESPACE, Installation

__all__ = ["main"]

FOLDER = Path(__file__).resolve().parents[2]


def main(argv: list[str] | None = None) -> int:
    """Write, check or print manifests.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; those of the process where left out.

    Returns
    -------
    int
        0, or 1 when ``--check`` found a file that is missing or stale.
    """
    arguments = _parse(argv)
    if arguments.print:
        sys.stdout.write(one_file(_installation(arguments)))
        return 0
    folder: Path = arguments.folder
    wanted = deploy_files()
    if not arguments.check:
        for name, text in wanted.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return 0
    stale = [name for name, text in wanted.items() if _content(folder / name) != text]
    for name in stale:
        message = f"{folder / name} is not what the code says; run python -m gateway_components.install"
        print(message, file=sys.stderr)  # noqa: T201
    return 1 if stale else 0


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway_components.install", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is not fresh")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the project (default: this one)")
    parser.add_argument("--print", action="store_true", help="print one installation, made of what follows")
    parser.add_argument("--namespace", type=_namespace, default=NAMESPACE, help="namespace of the daemon")
    parser.add_argument("--image", default=IMAGE, help="image of the daemon")
    parser.add_argument("--replicas", type=int, default=2, help="how many daemons run; one of them acts")
    parser.add_argument(
        "--watch",
        metavar="NAMESPACE",
        type=_namespace,
        action="append",
        default=[],
        help="look after this namespace; may be repeated (default: all)",
    )
    parser.add_argument("--default-class", action="store_true", help="take gateways that name no class, too")
    return parser.parse_args(argv)


def _namespace(text: str) -> str:
    fault = namespace_fault(text)
    if fault:
        message = f"{fault.message} ({fault.cure})"
        raise argparse.ArgumentTypeError(message)
    return text


def _installation(arguments: argparse.Namespace) -> Installation:
    return Installation(
        namespace=arguments.namespace,
        image=arguments.image,
        replicas=arguments.replicas,
        namespaces=tuple(arguments.watch),
        default_class=arguments.default_class,
    )


def _content(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


if __name__ == "__main__":
    sys.exit(main())
