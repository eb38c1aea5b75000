"""gatewayctl as users start it: exit codes, streams, and never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.manifests.texts import GATEWAY, SAFE, SECRET, joined

GATEWAYCTL = Path(sys.executable).with_name("gatewayctl")


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [GATEWAYCTL, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_render_gives_parseable_yaml_on_standard_output_alone(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        joined(GATEWAY + SAFE, GATEWAY.replace("gpt-4o", "''").replace("name: example", "name: b"))
    )
    done = _run(tmp_path, "render", "a.yaml")
    kinds = [found["kind"] for found in yaml.safe_load_all(done.stdout)]
    assert (done.returncode, kinds) == (1, ["ConfigMap", "Deployment", "Service"])
    assert done.stderr == "a.yaml:21: error: AiGateway b: spec.aiModels[0].name: is empty; give it a text\n"


MISTAKES = {
    "missing.yaml": None,
    "latin.yaml": "kind: ü".encode("latin-1"),
    "deep.yaml": b"[" * 100_000,
    "bomb.yaml": b"a: &a [x]\n" + b"b: [" + b", ".join([b"*a"] * 200_000) + b"]\n",
    "nul.yaml": b"a: \x00",
    "list.yaml": b"kind: ConfigMap\napiVersion: v1\nmetadata: []\ndata: 5\n",
    "secret.yaml": f"{SECRET}data: {{k: hunter2!}}\n".encode(),
    "scalar.yaml": b"words",
    "gateway.yaml": GATEWAY.replace("spec:\n", "spec: []\nx:\n").encode(),
}


@pytest.mark.parametrize("command", ["render", "validate"])
def test_no_mistake_in_a_file_gives_a_traceback(tmp_path: Path, command: str) -> None:
    for name, content in MISTAKES.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    done = _run(tmp_path, command, *MISTAKES)
    message = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in message
    assert "hunter2" not in message
    for name in MISTAKES:
        assert f"{name}:" in message


def test_wrong_calls_exit_with_2_and_say_how_to_call(tmp_path: Path) -> None:
    done = _run(tmp_path, "validate", "--no-such-option")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: gatewayctl validate" in done.stderr


def test_namespace_can_be_set_in_the_environment(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GATEWAY + SAFE)
    done = _run(tmp_path, "render", "--config-only", "a.yaml", GATEWAYCTL_RENDER_NAMESPACE="team")
    assert (done.returncode, done.stderr) == (0, "")
    assert "# AiGateway team/example\n" in done.stdout


def test_any_script_reaches_a_pipe_in_any_locale(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GATEWAY.replace("gpt-4o", "模型"), encoding="utf-8")
    done = _run(tmp_path, "render", "a.yaml", LC_ALL="C", PYTHONCOERCECLOCALE="0", PYTHONUTF8="0")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
