"""The generated CRDs against the reference, as data."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.api.base import ApiModel
from gateway_components.api.crds import crd, file_name, object_schema, structural_schema
from gateway_components.api.kinds import KINDS
from gateway_components.install.__main__ import FOLDER, main
from tests.api.clusters import reference_crd

CRDS = "deploy/crds"
OBSERVED = ("AiGateway", "ToolGateway", "ToolRoute")
"""Kinds whose status has the generation that it speaks of: those whose status we write."""


def without_descriptions(schema: Any, *, names: bool = False) -> Any:
    """Return a schema without its descriptions; `names` says that the keys at hand are names of fields."""
    if isinstance(schema, list):
        return [without_descriptions(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: sorted(value)
        if key == "required" and not names
        else without_descriptions(value, names=key == "properties" and not names)
        for key, value in schema.items()
        if names or key != "description"
    }


def undescribed(schema: Any, path: str) -> list[str]:
    """Return the paths of the fields without a description."""
    missing = [] if schema.get("description") or path.endswith(".metadata") else [path]
    for name, child in schema.get("properties", {}).items():
        missing += undescribed(child, f"{path}.{name}")
    for name, child in schema.get("items", {}).get("properties", {}).items():
        missing += undescribed(child, f"{path}[].{name}")
    return missing


@pytest.mark.parametrize("kind", KINDS)
def test_schema_is_the_reference_plus_observed_generation(kind: str) -> None:
    version = reference_crd(kind)["spec"]["versions"][0]
    expected = without_descriptions(version["schema"]["openAPIV3Schema"])
    ours = without_descriptions(object_schema(KINDS[kind].model))
    if kind in OBSERVED:
        # What the reference does not know, its own writer of statuses cannot get wrong.
        observed = ours["properties"]["status"]["properties"].pop("observedGeneration")
        assert observed == {"type": "integer", "format": "int64", "minimum": 0}
    assert ours == expected


@pytest.mark.parametrize("kind", KINDS)
def test_crd_differs_in_schema_columns_and_short_names_alone(kind: str) -> None:
    expected, ours = reference_crd(kind)["spec"], crd(KINDS[kind])["spec"]
    for spec in (expected, ours):
        del spec["versions"][0]["schema"]
        spec["versions"][0].pop("additionalPrinterColumns", None)
        spec["names"].pop("shortNames", None)
    assert ours == expected


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_the_reference_are_kept_in_their_order(kind: str) -> None:
    expected = reference_crd(kind)["spec"]["versions"][0].get("additionalPrinterColumns", [])
    ours = crd(KINDS[kind])["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [column for column in ours if column in expected] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description(kind: str) -> None:
    assert undescribed(object_schema(KINDS[kind].model), kind) == []


def test_no_short_name_is_used_twice() -> None:
    names = [name for kind in KINDS.values() for name in (kind.short_name, kind.plural, kind.singular)]
    assert len(names) == len(set(names))


def test_file_names_are_those_of_the_reference() -> None:
    reference = {path.name for path in (Path(__file__).parent / "reference").iterdir()}
    assert (
        {path.name for path in (FOLDER / CRDS).iterdir()}
        == reference
        == {file_name(kind) for kind in KINDS.values()}
    )


def test_check_fails_for_a_missing_a_changed_and_a_foreign_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--folder", str(tmp_path)])
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    first, second, *_ = sorted((tmp_path / CRDS).iterdir())
    first.unlink()
    second.write_text("kind: Other\n", encoding="utf-8")
    (tmp_path / CRDS / "foreign.yaml").write_text("", encoding="utf-8")
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    reported = capsys.readouterr().err
    assert all(name in reported for name in (first.name, second.name, "foreign.yaml"))


def test_written_file_holds_the_crd(tmp_path: Path) -> None:
    main(["--folder", str(tmp_path)])
    kind = KINDS["AiGateway"]
    assert yaml.safe_load((tmp_path / CRDS / file_name(kind)).read_text(encoding="utf-8")) == crd(kind)


def test_schemas_are_fresh_copies() -> None:
    model: type[ApiModel] = KINDS["AiGateway"].model
    structural_schema(model)["properties"].clear()
    assert structural_schema(model)["properties"]
