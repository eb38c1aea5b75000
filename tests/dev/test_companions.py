"""The record of applied ConfigMaps and Secrets, where its file is of no use."""

from pathlib import Path
from typing import cast

import pytest

from gateway_components.dev.companions import CompanionError, Companions
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
