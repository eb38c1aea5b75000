"""What the record of applied ConfigMaps and Secrets is for, and where its file is of no use."""

from pathlib import Path
from typing import cast

import pytest

from gateway_components.dev.engine import CompanionError, Companions
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient

NOBODY = cast("KubeClient", None)


@pytest.mark.parametrize("text", ["{", "7", '[["Secret"]]', "[7]"])
def test_an_unreadable_record_is_named_with_a_cure(tmp_path: Path, text: str) -> None:
    record = tmp_path / "companions.json"
    record.write_text(text)

    with pytest.raises(CompanionError, match=rf"{record} does not say .*; delete this file"):
        Companions(NOBODY, record)


async def test_nothing_is_applied_that_could_not_be_recorded(tmp_path: Path) -> None:
    companions = Companions(NOBODY, tmp_path / "gone" / "companions.json")
    key = Identity("ConfigMap", "ns", "settings")

    with pytest.raises(CompanionError, match=r"companions.json cannot be written: No such file"):
        await companions.apply("ns", {key: {"metadata": {"name": "settings"}}}, remove=False)


class Applying:
    """A client of a cluster that takes whatever is applied."""

    async def apply(self, path: object, manifest: object, *, manager: str) -> None:
        """Take it."""


async def test_a_companion_is_applied_again_only_if_it_changed(tmp_path: Path) -> None:
    companions = Companions(cast("KubeClient", Applying()), tmp_path / "companions.json")
    key = Identity("ConfigMap", "ns", "settings")

    async def applied(text: str) -> list[Identity]:
        manifest = {"metadata": {"name": "settings"}, "data": {"key": text}}
        return await companions.apply("ns", {key: manifest}, remove=False)

    assert [await applied(text) for text in ("first", "first", "second")] == [[key], [], [key]]
