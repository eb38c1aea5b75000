"""Fixtures, plugins and Hypothesis profiles of the whole project."""

from hypothesis import settings

settings.register_profile("soak", deadline=None, max_examples=1000, print_blob=True)

pytest_plugins = [
    "lab.pytest_plugin",
    "tests.plugins.leftovers",
    "tests.plugins.order",
    "tests.plugins.times",
]
