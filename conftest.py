"""Fixtures and plugins of the whole project."""

pytest_plugins = [
    "lab.pytest_plugin",
    "tests.plugins.leftovers",
    "tests.plugins.order",
    "tests.plugins.times",
]
