"""The documents lead where they say: links to files of the repository, and the table of make's targets."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.pulumi_cli import ROOT

TRACKED = set(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
)
DOCUMENTS = sorted(name for name in TRACKED if name.endswith(".md"))
UNLISTED = {"help", "venv", "setup", "litellm", "demo", "clean"}
"""Targets that serve the others, or have a chapter of their own."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_to_a_file_of_the_repository(document: str) -> None:
    folders = {str(parent) for name in TRACKED for parent in Path(name).parents}
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", (ROOT / document).read_text())
    for link in links:
        target = str((ROOT / document).parent.joinpath(link).resolve().relative_to(ROOT.resolve()))
        assert target in TRACKED | folders, f"{document} links {link}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_proves_something_exists(document: str) -> None:
    path = ""
    for named in re.findall(r"`((?:tests/|…?::)[^`\s*<]+)`", (ROOT / document).read_text()):
        file, _, test = named.partition("::")
        path = path if file in {"", "…"} else file
        assert (ROOT / path).exists(), f"{document} names {named}"
        assert not test or f"def {test}(" in (ROOT / path).read_text(), f"{document} names {named}"


def test_the_table_of_targets_is_that_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named <= targets
    assert targets - named <= UNLISTED
