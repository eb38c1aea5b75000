"""The harness itself, with small programs in place of the proxy."""

import functools
import http.client
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from lab import wait_until
from tests.litellm_proxy.harness import LiteLLMProxy, ProxyError
from tests.litellm_proxy.upstream import FakeOpenAI


def program(folder: Path, body: str) -> Path:
    path = folder / "litellm-proxy"
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def config(folder: Path) -> Path:
    path = folder / "config.yaml"
    path.write_text("model_list: []\n", encoding="utf-8")
    return path


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_missing_program_names_the_command_that_installs_it(tmp_path: Path) -> None:
    proxy = LiteLLMProxy(config(tmp_path), {}, binary=tmp_path / "absent")
    with pytest.raises(ProxyError, match="make litellm"), proxy:
        pass


def test_early_exit_shows_the_end_of_the_log(tmp_path: Path) -> None:
    binary = program(tmp_path, 'echo "cannot read $2"; exit 3')
    proxy = LiteLLMProxy(config(tmp_path), {}, binary=binary)
    with pytest.raises(ProxyError, match=r"status 3 .*\n.*cannot read .*config\.yaml"), proxy:
        pass


def test_a_program_never_ready_is_killed_with_its_children(tmp_path: Path) -> None:
    binary = program(tmp_path, 'trap "" TERM; sleep 600 & echo "child=$!"; echo "parent=$$"; kill -STOP $$')
    proxy = LiteLLMProxy(config(tmp_path), {}, binary=binary, startup_seconds=1, stop_seconds=1)
    with pytest.raises(ProxyError, match="not ready within 1 s") as failure, proxy:
        pass
    pids = [int(pid) for pid in re.findall(r"(?:child|parent)=(\d+)", str(failure.value))]
    assert len(pids) == 2
    for pid in pids:
        wait_until(functools.partial(gone, pid), timeout=60, what=f"process {pid} gone")


def test_environment_is_the_given_one_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-developer")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    metrics = tmp_path / "metrics"
    binary = program(tmp_path, "env; exit 1")
    env = {"GIVEN": "yes", "OTEL_EXPORTER": "console", "PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    proxy = LiteLLMProxy(config(tmp_path), env, binary=binary)
    with pytest.raises(ProxyError) as failure, proxy:
        pass
    text = str(failure.value)
    assert "GIVEN=yes" in text
    assert "OTEL_EXPORTER=console" in text
    assert "LITELLM_LOCAL_MODEL_COST_MAP=True" in text
    assert "sk-of-the-developer" not in text
    assert "proxy.invalid" not in text
    assert metrics.is_dir()


def test_request_before_the_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(ProxyError, match="not started"):
        _ = LiteLLMProxy(config(tmp_path), {}).pid


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/chat/completions", 200), ("/chat/completions", 200), ("/v1/embeddings", 404)]
)
def test_fake_provider_records_and_answers(path: str, status: int) -> None:
    with FakeOpenAI("hello") as upstream:
        with closing(http.client.HTTPConnection(urlsplit(upstream.url).netloc, timeout=10)) as connection:
            connection.request("POST", path, body=b'{"model": "m"}', headers={"Authorization": "Bearer k"})
            answer = connection.getresponse()
            body = answer.read()
        (request,) = upstream.requests
        assert answer.status == status
        assert (b'"hello"' in body) == (status == 200)
        assert request.path == path
        assert request.authorization == "Bearer k"
        assert request.json() == {"model": "m"}


def test_fake_provider_forgets() -> None:
    with FakeOpenAI() as upstream:
        with closing(http.client.HTTPConnection(urlsplit(upstream.url).netloc, timeout=10)) as connection:
            connection.request("POST", "/v1/chat/completions", body=b"{}")
            connection.getresponse().read()
        upstream.forget()
        assert upstream.requests == []
