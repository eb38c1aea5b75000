"""`python -m tools`: set up the binaries that the project drives."""

import argparse
import signal
import sys

from tools.audit import audit, write_bills
from tools.digests import write_digests
from tools.errors import ToolsError
from tools.litellm_schema import check_schema, write_schema
from tools.location import PROJECT, locate
from tools.progress import end_on_signal
from tools.proxy import set_up_proxy
from tools.setup import set_up


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code: 0, or 1 with a message on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    setup = commands.add_parser("setup", help="find or build binaries, and link them into .venv/bin")
    setup.add_argument("part", nargs="*", help="names of the only ones wanted (default: all)")
    commands.add_parser("litellm", help="install the real LiteLLM proxy into an environment of its own")
    schema = commands.add_parser("schema", help="write the keys that LiteLLM knows in its config.yaml anew")
    schema.add_argument("--check", action="store_true", help="write nothing; fail if the file is out of date")
    commands.add_parser("audit", help="look up known vulnerabilities of what the image is made of")
    commands.add_parser("sbom", help="write what the image is made of, in CycloneDX, into build/sbom")
    commands.add_parser("digests", help="write the digests of the base images into the Dockerfile")
    commands.add_parser("path", help="print the path of a binary").add_argument("name")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, end_on_signal)
    try:
        match options.command:
            case "setup":
                set_up(options.part)
            case "litellm":
                set_up_proxy()
            case "schema":
                (check_schema if options.check else write_schema)()
            case "audit":
                audit()
            case "sbom":
                write_bills(PROJECT / "build" / "sbom")
            case "digests":
                write_digests(PROJECT / "Dockerfile")
            case "path":
                print(locate(options.name))
    except (ToolsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next run goes on from here", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
