"""From a field as a plan writes it to the way there."""

import pytest

from gateway_components.manifests.fields import path_of
from tests.manifests.texts import ANNOTATION

PATHS: tuple[tuple[str, tuple[str | int, ...]], ...] = (
    ("", ()),
    ("metadata.name", ("metadata", "name")),
    ("spec.guardrails[0]", ("spec", "guardrails", 0)),
    ("spec.guardrails[12].name", ("spec", "guardrails", 12, "name")),
    (f"metadata.annotations[{ANNOTATION}]", ("metadata", "annotations", ANNOTATION)),
)


@pytest.mark.parametrize(("field", "path"), PATHS)
def test_path_of(field: str, path: tuple[str | int, ...]) -> None:
    assert path_of(field) == path
