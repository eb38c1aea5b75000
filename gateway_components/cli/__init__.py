"""The command line: gatewayctl."""
