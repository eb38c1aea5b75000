"""The command line `gatewayctl`."""

import sys


def run() -> None:
    """Run `gatewayctl`, or name the missing package: programs that import the components need no command line."""
    try:
        # Imported here to report a missing package.
        from gateway_components.cli.main import main  # noqa: PLC0415

        main()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == __package__.partition(".")[0]:
            raise
        sys.stderr.write(
            f"error: gatewayctl lacks the package {error.name}: pip install 'gateway-components[daemon]', or in a "
            "checkout pip install '.[daemon]'\n"
        )
        sys.exit(1)
