from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway_components.manifests.load import FileFinding
from gateway_components.manifests.stack import ManifestStack, read_stack

Read = Callable[..., ManifestStack]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read texts as files 0.yaml, 1.yaml and so on; lines of findings bear these names.

    What is found of nearly every gateway is left out: test_posture.py is about it.
    """

    def read_texts(*texts: str, namespace: str = "default") -> ManifestStack:
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        stack = read_stack([tmp_path], namespace)
        return replace(stack, findings=tuple(found for found in stack.findings if not _of_nearly_all(found)))

    return read_texts


def _of_nearly_all(found: FileFinding) -> bool:
    return found.message.startswith(("there is no master key", "the callback otel has no endpoint"))
