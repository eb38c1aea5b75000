from collections.abc import Callable
from pathlib import Path

import pytest

from gateway_components.manifests.stack import ManifestStack, read_stack

Read = Callable[..., ManifestStack]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read texts as files 0.yaml, 1.yaml and so on; lines of findings bear these names."""

    def read_texts(*texts: str, namespace: str = "default") -> ManifestStack:
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        return read_stack([tmp_path], namespace)

    return read_texts
