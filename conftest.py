"""Fixtures of the whole project."""

pytest_plugins = ["lab.pytest_plugin"]
