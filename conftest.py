"""Fixtures, plugins and Hypothesis profiles of the whole project."""

import gc

from hypothesis import settings

settings.register_profile("soak", deadline=None, max_examples=1000, print_blob=True)

pytest_plugins = [
    "lab.pytest_plugin",
    "tests.plugins.leftovers",
    "tests.plugins.order",
    "tests.plugins.times",
]


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: they stay to the end."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Have the garbage collector pass over the thousands of tests, which took an eighth of a worker's time."""
    gc.freeze()
    gc.enable()
