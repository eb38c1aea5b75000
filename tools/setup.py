"""Setting up all parts, from PATH, from the cache, or built, and registering the provider with Pulumi."""

import math
import os
import subprocess
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from gateway_components.engine.programs import PROVIDER_VERSION, pulumi_home
from tools import go
from tools.cache import cache_root, content_key, locked, produce
from tools.check import check
from tools.errors import ToolsError
from tools.location import MODULES, VENV_BIN, link
from tools.parts import PARTS, PROVIDER, Part
from tools.progress import say
from tools.search import search

_ENGINE = next(part for part in PARTS if part.name == "pulumi")


def set_up(names: Collection[str] = ()) -> None:
    """Find or build parts, link them into the virtual environment, and register the provider; all without `names`.

    Raises ToolsError: a part cannot be had; the message says what to do.
    """
    root = cache_root()
    missing = []
    parts = _wanted(names)
    for number, part in enumerate(parts, start=1):
        folder = _find(part, root)
        if folder is None:
            missing.append((number, part))
        else:
            _use(part, folder, f"{_position(number, parts)} {folder}")
    if missing:
        go.require_go(part for _, part in missing)
        minutes = math.ceil(sum(part.minutes for _, part in missing))
        say(f"To build into {root}: {len(missing)} of {len(parts)} parts.")
        say(f"That takes about {minutes} min on 2 cores, once per machine.")
        say("It can be interrupted: the next run goes on where this one stopped.")
    for number, part in missing:
        about = f"about {part.minutes:g} min on 2 cores; once per machine"
        say(f"{_position(number, parts)} building ({about})")
        started = time.monotonic()
        folder = _build(part, root)
        seconds = time.monotonic() - started
        _use(part, folder, f"{_position(number, parts)} built and checked in {seconds:.0f} s")
    if PROVIDER in parts:
        _register(root)


def _wanted(names: Collection[str]) -> tuple[Part, ...]:
    unknown = sorted(set(names) - {part.name for part in PARTS})
    if unknown:
        raise ToolsError(f"there is no part {unknown[0]}; there are {', '.join(part.name for part in PARTS)}")
    return tuple(part for part in PARTS if part.name in names or not names)


def _position(number: int, parts: Sequence[Part]) -> str:
    return f"[{number}/{len(parts)}] {parts[number - 1].name} …"


def _use(part: Part, folder: Path, message: str) -> None:
    if part is not PROVIDER:
        for name in part.files:
            link(name, folder / name)
    say(message)


def key_of(part: Part) -> str:
    """Return the key of a part: it changes with the part's recipe and its folder in `tools/`."""
    return content_key(part.recipe, [file for file in (MODULES / part.folder).iterdir() if file.is_file()])


def _find(part: Part, root: Path) -> Path | None:
    """Return the folder that has a part already, or None."""
    if part is PROVIDER and (folder := registered_provider()):
        return folder
    found = search(part, (VENV_BIN, root), _ENGINE)
    if found.folder:
        return found.folder
    cached = _cached(part, root)
    if cached.is_dir():
        return cached
    for reason in found.reasons:
        say(reason)
    return None


def _cached(part: Part, root: Path) -> Path:
    return root / f"{part.name}-{key_of(part)}"


def _build(part: Part, root: Path) -> Path:
    def make(folder: Path) -> None:
        go.build(part, folder)
        check(part, folder)

    def waiting() -> None:
        say("      … another run is building it; waiting for that")

    return produce(root, part.name, key_of(part), make, waiting=waiting)


def _register(root: Path) -> None:
    if registered_provider():
        return

    def waiting() -> None:
        say("      … another run is registering the provider; waiting for that")

    with locked(root / "register.lock", waiting):
        if registered_provider() is None:
            say("Registering the Kubernetes provider with Pulumi …")
            register_provider(_cached(PROVIDER, root) / PROVIDER.name)


def registered_provider() -> Path | None:
    """Return the folder where Pulumi has the provider, or None if it does not have it."""
    folder = pulumi_home() / "plugins" / f"resource-kubernetes-v{PROVIDER_VERSION}"
    # While Pulumi installs a plugin, and after an interruption, a file marks it as incomplete.
    partial = folder.with_name(f"{folder.name}.partial")
    return folder if os.access(folder / PROVIDER.name, os.X_OK) and not partial.exists() else None


def register_provider(binary: Path) -> None:
    """Have Pulumi copy the provider into its folder of plugins.

    Raises ToolsError: pulumi refused.
    """
    command = [str(VENV_BIN / "pulumi"), "plugin", "install", "resource", "kubernetes", PROVIDER_VERSION]
    result = subprocess.run(
        [*command, "--reinstall", "--file", str(binary)],
        env=os.environ | {"PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise ToolsError(f"`{' '.join(command)}` failed:\n{(result.stderr or result.stdout).strip()}")
    if registered_provider() is None:
        raise ToolsError(
            f"`{' '.join(command)}` said nothing, but below {pulumi_home()} there is no such plugin."
        )
