"""What the image is made of: the vulnerabilities that are known in it, and its bill of materials."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway_components.engine.programs import find_engine, find_provider
from tools import go
from tools.cache import cache_root, content_key, locked, produce
from tools.errors import ToolsError
from tools.location import MODULES, PROJECT
from tools.parts import PROVIDER, Part
from tools.progress import run_with_progress, say
from tools.setup import key_of

_AUDITORS = MODULES / "auditors"
LOCKS = tuple(PROJECT / name for name in ("constraints-image.txt", "constraints.txt"))
"""Lock files that are looked at: of the image, and of what builds and tests it."""

_CYCLONEDX = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod"
_GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck"
_GO_PARTS = {
    package: Part(
        package.rpartition("/")[2], f"auditors/{package.rpartition('/')[2]}", package, minutes, version
    )
    for package, minutes, version in ((_GOVULNCHECK, 0.5, "1.9.0"), (_CYCLONEDX, 1, "1.10.0"))
}

Run = Callable[[list[str]], "subprocess.CompletedProcess[str]"]
Read = Callable[["subprocess.CompletedProcess[str]"], Iterator[str]]


class NotAskedError(Exception):
    """A database gave no answer about something, so nobody knows whether it is clean."""


def audit() -> None:
    """Look every locked Python package and every linked Go module up in the database of its registry.

    Raises ToolsError: a vulnerability is known, or a database gave no answer.
    """
    python, govulncheck = _python(), _built(_GOVULNCHECK)
    subjects: dict[str, tuple[list[str], Read]] = {
        lock.name: (_pip_audit(python, lock), read_pip_audit) for lock in LOCKS
    }
    database = ["-db", os.environ["GOVULNDB"]] if os.environ.get("GOVULNDB") else []
    for name, binary in _binaries().items():
        command = [str(govulncheck), *database, "-mode", "binary", "-format", "json", str(binary)]
        subjects[name] = command, read_govulncheck
    look_at(subjects, _run)


def look_at(subjects: Mapping[str, tuple[list[str], Read]], run: Run) -> None:
    """Run the command for each subject and say what it found; errors as for `audit`."""
    known, unasked = 0, []
    for subject, (command, read) in subjects.items():
        try:
            findings = list(read(run(command)))
        except NotAskedError as error:
            say(f"{subject}: NOT looked at: {error}")
            unasked.append(subject)
            continue
        say(f"{subject}: {len(findings) or 'no'} known vulnerabilities")
        for finding in findings:
            say(f"      {finding}")
        known += len(findings)
    faults = [f"{known} known vulnerabilities"] if known else []
    if unasked:
        faults.append(
            f"not looked at: {', '.join(unasked)}; this needs the databases of PyPI and of Go (vuln.go.dev)"
        )
    if faults:
        raise ToolsError("; ".join(faults))


def read_pip_audit(done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """Yield a line for each vulnerability that pip-audit found.

    Raises NotAskedError: it could not look at all packages: it passes over those that it gets no answer about, and ends
    well.
    """
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        raise NotAskedError(_last_line(done.stderr)) from None
    skipped = [package["skip_reason"] for package in packages if "skip_reason" in package]
    if skipped or not packages:
        raise NotAskedError(f"{len(skipped)} of {len(packages)} packages; {''.join(skipped[:1])}")
    for package in packages:
        for found in package["vulns"]:
            fixed_in = ", ".join(found["fix_versions"]) or "no version"
            yield f"{found['id']}: {package['name']} {package['version']}, fixed in {fixed_in}"


def read_govulncheck(done: subprocess.CompletedProcess[str]) -> Iterator[str]:
    """Yield a line for each vulnerability that govulncheck found in a linked module.

    Raises NotAskedError: it could not look.
    """
    if done.returncode != 0:
        raise NotAskedError(_last_line(done.stderr))
    reported = set()
    for message in _messages(done.stdout):
        if "finding" in message:
            found = message["finding"]
            module = found["trace"][0]
            fixed_in = found.get("fixed_version") or "no version"
            reported.add(
                f"{found['osv']}: {module['module']} {module.get('version', '')}, fixed in {fixed_in}"
            )
    yield from sorted(reported)


def write_bills(folder: Path) -> None:
    """Write what the image is made of into `folder`, in CycloneDX: a file for Python, and one for each Go binary.

    Raises ToolsError: a bill cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    python, gomod = _python(), _built(_CYCLONEDX)
    how = [
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
        "--output-format",
        "JSON",
        "--output-file",
    ]
    lock = [str(LOCKS[0])]
    commands: dict[str, tuple[list[str], list[str]]] = {
        "python": ([str(python), "-m", "cyclonedx_py", "requirements", *lock, *how], [])
    }
    for name, binary in _binaries().items():
        commands[name] = [str(gomod), "bin", "-json", "-output"], [str(binary)]
    for name, (command, subject) in commands.items():
        file = folder / f"{name}.cdx.json"
        done = _run([*command, str(file), *subject])
        if done.returncode != 0:
            raise ToolsError(f"no bill of {name}: {done.stderr.strip()}")
        say(f"{file}: {len(json.loads(file.read_text())['components'])} components")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


def _pip_audit(python: Path, lock: Path) -> list[str]:
    how = ["--require-hashes", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
    return [str(python), "-m", "pip_audit", "--requirement", str(lock), *how]


def _binaries() -> dict[str, Path]:
    """Return the Go programs of the image."""
    return {"pulumi": find_engine(), PROVIDER.name: find_provider()}


def _built(package: str) -> Path:
    part = _GO_PARTS[package]
    go.require_go([part])

    def make(folder: Path) -> None:
        say(f"Building {part.name} (about {part.minutes:g} min; once per machine) …")
        go.build(part, folder)

    return produce(cache_root(), part.name, key_of(part), make, waiting=_waiting) / part.name


def _python() -> Path:
    """Return the Python of an environment with the auditors that are written in it."""
    packages = _AUDITORS / "constraints.txt"
    recipe = f"{sys.implementation.cache_tag} {sys.platform}"
    folder = cache_root() / f"auditors-{content_key(recipe, [packages])}"
    python = folder / "bin" / "python"
    complete = folder / "complete"
    with locked(cache_root() / "auditors.lock", _waiting):
        if not complete.exists():
            say("Installing pip-audit and cyclonedx-bom into an environment of their own …")
            shutil.rmtree(folder, ignore_errors=True)
            pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
            for command in (
                [sys.executable, "-m", "venv", str(folder)],
                [*pip, "--require-hashes", "-r", str(packages)],
            ):
                run_with_progress(
                    command, cwd=MODULES, environment=os.environ, describe=lambda lines: f"{lines} lines"
                )
            complete.touch()
    return python


def _waiting() -> None:
    say("      … another run is making it; waiting for that")


def _messages(text: str) -> Iterator[dict[str, Any]]:
    """Yield each of the JSON objects that follow one another in `text`."""
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        message, at = decoder.raw_decode(text, at)
        yield message
        while text[at : at + 1].isspace():
            at += 1


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
