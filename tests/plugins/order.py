"""Which tests run, in which order, and which of them stay together in one worker."""

from __future__ import annotations

import pytest

LABS = frozenset({"audited", "bare_lab", "breakable_lab", "idle_lab", "lab", "shared_daemon"})
"""Fixtures that start a control plane."""

BREAKABLE = frozenset({"audited", "breakable_lab"})
"""Fixtures of the one control plane that tests may break; they share a worker, so that only one is started."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="Run the long tests, and no others.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs a control plane; set by the fixtures that a test asks for")
    config.addinivalue_line("markers", "soak: takes minutes; runs with --soak alone")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soak = config.getoption("--soak")
    left_out = [item for item in items if bool(item.get_closest_marker("soak")) is not soak]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
    for item in items:
        if _fixtures(item) & LABS:
            item.add_marker(pytest.mark.lab)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    # What takes longest comes first, and what is short fills the gaps at the end.
    items.sort(key=_phase)


def _group(item: pytest.Item) -> str:
    if _fixtures(item) & BREAKABLE:
        return "breakable"
    if "bare_lab" in _fixtures(item):
        # Of the one without CRDs, too.
        return "bare"
    if "litellm_proxy" in item.path.parts or hasattr(getattr(item, "module", None), "gateway_proxy"):
        # Starts of the real proxy share their imports.
        return "litellm_proxy"
    # A module's fixtures are made once where its tests stay together.
    return str(item.path.relative_to(item.config.rootpath))


def _phase(item: pytest.Item) -> int:
    fixtures = _fixtures(item)
    if fixtures & BREAKABLE:
        return 0
    if item.get_closest_marker("lab") is None:
        return 3
    # Daemons of their own first: the shared one is then started once and stays.
    return 1 if fixtures & {"bare_lab", "idle_lab"} else 2


def _fixtures(item: pytest.Item) -> frozenset[str]:
    return frozenset(getattr(item, "fixturenames", ()))
