"""Manifests that others published are taken as they are (`published/README.md` says whose they are)."""

from pathlib import Path

import pytest

from gateway_components.manifests.stack import read_stack

PUBLISHED = Path(__file__).parent / "published"

PROJECTS = (
    ("operator", 6, 3, 13),
    ("news", 1, 0, 2),
    ("workshop", 1, 0, 0),
    ("workshop-infra", 1, 0, 1),
    ("like-others", 1, 0, 1),
)


@pytest.mark.parametrize(
    ("project", "gateways", "routes", "namespaces"), PROJECTS, ids=[case[0] for case in PROJECTS]
)
def test_a_folder_of_a_project_has_no_fault(
    project: str, gateways: int, routes: int, namespaces: int
) -> None:
    stack = read_stack([PUBLISHED / project])
    assert not stack.errors
    planned = [found for found in stack.plan.gateways.values() if found.objects]
    served = [route for route in stack.plan.routes.values() if route.url]
    assert (len(planned), len(served), len(stack.namespaces)) == (gateways, routes, namespaces)


@pytest.mark.parametrize(
    "file", sorted(PUBLISHED.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.name}"
)
def test_each_file_has_no_fault_by_itself(file: Path) -> None:
    assert not read_stack([file]).errors
