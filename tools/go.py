"""Building a part with the Go compiler."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from gateway_components.engine.programs import PROVIDER_VERSION
from tools.errors import ToolsError
from tools.location import MODULES
from tools.parts import PARTS, Copied, Part
from tools.progress import run_with_progress
from tools.versions import Version, parse_version, show_version

_GO_LINE = re.compile(r"^go (\S+)$", re.MULTILINE)

_ADVICE = f"""
Either install Go {{wanted}} or newer (it needs no further set-up, only access to a Go module proxy), and run
this again. Or do without building: install the official Pulumi distribution so that `pulumi` is on PATH, run
`pulumi plugin install resource kubernetes v{PROVIDER_VERSION}`, and use any cluster through KUBECONFIG. With
that, everything serves except the lab, and the tests and the demonstration that start it: those need the
control plane's binaries on PATH ({{control_plane}}).""".strip()


def environment() -> dict[str, str]:
    """Return the environment to run Go with: the user's, but no download of another Go and no changed go.mod."""
    flags = "-mod=readonly -buildvcs=false"
    return os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": flags}


def wanted_go(parts: Iterable[Part]) -> Version:
    """Return the oldest version of Go that can build all of these parts, as their go.mod files say."""
    versions: list[Version] = [(0, 0, 0)]
    for part in parts:
        found = _GO_LINE.search((MODULES / part.folder / "go.mod").read_text())
        version = parse_version(found.group(1)) if found else None
        if version:
            versions.append(version)
    return max(versions)


def require_go(parts: Iterable[Part]) -> None:
    """Make sure that Go is there and new enough to build these parts.

    Raises ToolsError: it is not; the message says what to install, and what serves instead.
    """
    parts = list(parts)
    wanted = wanted_go(parts)
    control_plane = ", ".join(part.name for part in PARTS if "pulumi" not in part.name)
    advice = _ADVICE.format(wanted=show_version(wanted), control_plane=control_plane)
    names = ", ".join(part.name for part in parts)
    if not shutil.which("go"):
        raise ToolsError(f"Go is not installed; it is needed to build {names}.\n{advice}")
    command = ["go", "env", "GOVERSION"]
    result = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    version = parse_version(result.stdout)
    if result.returncode != 0 or version is None:
        raise ToolsError(f"`go env GOVERSION` failed: {(result.stderr or result.stdout).strip()}\n{advice}")
    if version < wanted:
        raise ToolsError(f"Go {show_version(version)} is too old to build {names}.\n{advice}")


def build(part: Part, folder: Path) -> None:
    """Build a part into a folder.

    Raises ToolsError: the build failed; the message shows the end of the compiler's output.
    """
    modules = MODULES / part.folder
    sources = modules
    if part.package == ".":
        sources = folder / "sources"
        sources.mkdir()
        for name in ("go.mod", "go.sum", "main.go"):
            shutil.copy(modules / name, sources / name)
    for name, copied in part.embedded.items():
        (sources / name).write_bytes(_content(copied, modules))
    for name, copied in part.scripts.items():
        script = folder / name
        script.write_bytes(_content(copied, modules))
        script.chmod(0o755)
    # Go removes its working folder unless it is killed; in here, it goes with ours.
    work = folder / "work"
    work.mkdir()
    command = ["go", "build", "-v", "-trimpath", f"-ldflags={_linker_flags(part.stamps)}"]
    run_with_progress(
        [*command, "-o", str(folder / part.name), part.package],
        cwd=sources,
        environment=environment() | {"GOTMPDIR": str(work)},
        # `go build -v` prints one line for each package that it compiles or module that it downloads.
        describe=lambda lines: f"compiled or downloaded so far: {lines}",
    )
    shutil.rmtree(work)
    if part.package == ".":
        shutil.rmtree(sources)


def _linker_flags(stamps: Mapping[str, str]) -> str:
    return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in stamps.items())])


def _content(copied: Copied, modules: Path) -> bytes:
    content = (_module_folder(copied.module, modules) / copied.path).read_bytes()
    if copied.version is None:
        return content
    return json.dumps(json.loads(content) | {"version": copied.version}, separators=(",", ":")).encode()


def _module_folder(module: str, modules: Path) -> Path:
    for command in (["go", "mod", "download", module], ["go", "list", "-m", "-f", "{{.Dir}}", module]):
        result = subprocess.run(
            command, cwd=modules, env=environment(), capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            raise ToolsError(f"`{' '.join(command)}` in {modules} failed:\n{result.stderr.strip()}")
    return Path(result.stdout.strip())
