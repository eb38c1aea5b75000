"""What a settings file may say, what it may not, and who wins where several say something."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway_components.daemon.settings import Settings, Sources, read_text
from gateway_components.errors import InputError

DEFAULTS = {"kubeconfig": None, "scratch_folder": "/scratch", "install_namespace": "home"}
FILE = Path("settings.yaml")


def _sources(**given: Any) -> Sources:
    return Sources(FILE, given, {name: f"--{name}" for name in given}, DEFAULTS)


DIGEST = "sha256:" + "0a" * 32
GOOD = [
    (
        "nothing: all defaults",
        "",
        {"workers": Settings.model_fields["workers"].get_default(call_default_factory=True)},
    ),
    ("comments alone are nothing", "# workers: 3\n", {"batch_seconds": 0.2}),
    ("a null map is nothing", "---\n", {"install_namespace": "home"}),
    ("a number of seconds may be whole", "batch_seconds: 1\n", {"batch_seconds": 1.0}),
    (
        "paths",
        "kubeconfig: /k\nscratch_folder: /s\n",
        {"kubeconfig": Path("/k"), "scratch_folder": Path("/s")},
    ),
    ("null is the pod's own credentials", "kubeconfig: null\n", {"kubeconfig": None}),
    ("a list", "namespaces: [a, b]\n", {"namespaces": ("a", "b")}),
    (
        "hosts, addresses and networks",
        "allowed_upstreams: [localhost, '::1', 10.0.0.0/8]\n",
        {"allowed_upstreams": ("localhost", "::1", "10.0.0.0/8")},
    ),
    ("an image by digest", f"gateway_image: a/b@{DIGEST}\n", {"gateway_image": f"a/b@{DIGEST}"}),
    ("true and false as kubectl reads them", "leader_election: no\n", {"leader_election": False}),
    ("no server", "http_port: null\n", {"http_port": None}),
    ("a backend by URL", "backend: postgres://u:p@db/x\n", {"backend": "postgres://u:p@db/x"}),
    ("JSON is YAML", json.dumps({"workers": 7, "log_level": "debug"}), {"workers": 7, "log_level": "debug"}),
]


@pytest.mark.parametrize(("why", "text", "expected"), GOOD, ids=[case[0] for case in GOOD])
def test_a_good_file_is_taken(why: str, text: str, expected: dict[str, Any]) -> None:
    settings = _sources().settings(text)
    assert {name: getattr(settings, name) for name in expected} == expected


BAD = [
    (
        "a URL for an image",
        "gateway_image: https://ghcr.io/a/b\n",
        1,
        "gateway_image",
        "not an image reference",
        "@sha256:DIGEST",
    ),
    (
        "a URL for a host",
        "allowed_upstreams: ['http://localhost/']\n",
        1,
        "allowed_upstreams[0]",
        "is not a host",
        "Name a host",
    ),
    (
        "half a network",
        "allowed_upstreams:\n- 10.0.0.1/8\n",
        2,
        "allowed_upstreams[0]",
        "not a host, address or",
        "a network such as",
    ),
    ("misspelt", "# x\nworker: 3\n", 2, "worker", "is not a setting", "Did you mean workers?"),
    (
        "spelt as Kubernetes does",
        "batchSeconds: 3\n",
        1,
        "batchSeconds",
        "is not a setting",
        "Did you mean batch_seconds?",
    ),
    ("of another program", "replicas: 2\n", 1, "replicas", "is not a setting", "Remove it"),
    ("too small", "log_level: info\nworkers: 0\n", 2, "workers", "too small", "Use 1 or more."),
    ("too large", "batch_seconds: 60\n", 1, "batch_seconds", "too large", "Use 10.0 or less."),
    (
        "a text for a number",
        'workers: "4"\n',
        1,
        "workers",
        "must be a whole number",
        "Remove the quotes: 4.",
    ),
    (
        "part of a worker",
        "workers: 2.5\n",
        1,
        "workers",
        "must be a whole number",
        "Write a whole number there.",
    ),
    ("a unit", "engine_seconds: 5m\n", 1, "engine_seconds", "must be a number", "Write a number there."),
    ("true is no number", "workers: true\n", 1, "workers", "is true, but must be a whole number", "Write"),
    ("null where something must be", "workers:\n", 1, "workers", "is null", "Write a whole number there."),
    (
        "a level that does not exist",
        "log_level: trace\n",
        1,
        "log_level",
        '"trace"',
        "'debug', 'info' or 'warning'",
    ),
    ("one namespace as text", "namespaces: team\n", 1, "namespaces", "must be a list", "Write a list there."),
    ("a namespace that cannot be", "namespaces:\n- a\n- A_B\n", 3, "namespaces[1]", '"A_B"', "lower-case"),
    ("a home that cannot be", "install_namespace: a/b\n", 1, "install_namespace", '"a/b"', "lower-case"),
    ("neither cluster nor a URL", "backend: secrets\n", 1, "backend", "neither cluster", "s3://BUCKET"),
    ("a port beyond all ports", "http_port: 70000\n", 1, "http_port", "too large", "Use 65535 or less."),
    (
        "a path that is a map",
        "scratch_folder: {}\n",
        1,
        "scratch_folder",
        "must be text",
        "Write text",
    ),
    ("a key twice", "workers: 1\nworkers: 2\n", 2, "", "duplicate key", "Correct the YAML."),
    ("no YAML", "workers: [\n", 2, "", "", "Correct the YAML."),
    ("a list", "- workers\n", 1, "", "is not a map of settings", "NAME: VALUE"),
    ("two documents", "workers: 1\n---\nworkers: 2\n", 3, "", "second document", "Keep one"),
]


@pytest.mark.parametrize(
    ("why", "text", "line", "field", "message", "cure"), BAD, ids=[case[0] for case in BAD]
)
def test_a_bad_file_is_refused_with_line_field_and_cure(
    why: str, text: str, line: int, field: str, message: str, cure: str
) -> None:
    with pytest.raises(InputError) as caught:
        _sources().settings(text)
    (problem,) = caught.value.findings
    assert problem.field == f"settings.yaml:{line}" + (f": {field}" if field else "")
    assert message in problem.message
    assert cure in problem.cure


def test_every_fault_of_a_file_is_reported() -> None:
    with pytest.raises(InputError) as caught:
        _sources().settings("workers: 0\nlog_levle: info\nhttp_port: x\n")
    assert {problem.field for problem in caught.value.findings} == {
        "settings.yaml:1: workers",
        "settings.yaml:2: log_levle",
        "settings.yaml:3: http_port",
    }


def test_options_override_the_file_and_the_file_the_defaults() -> None:
    settings = _sources(workers=9).settings("workers: 3\ninstall_namespace: file\n")
    assert (settings.workers, settings.install_namespace) == (9, "file")
    assert str(settings.scratch_folder) == "/scratch"


def test_a_fault_is_reported_even_where_an_option_wins() -> None:
    with pytest.raises(InputError, match=r"settings\.yaml:1: workers"):
        _sources(workers=9).settings("workers: many\n")


def test_a_fault_of_an_option_names_it() -> None:
    with pytest.raises(InputError) as caught:
        _sources(workers=0, batch_seconds=float("nan")).settings("")
    assert {problem.field for problem in caught.value.findings} == {"--workers", "--batch_seconds"}
    assert "--workers: is 0, which is too small (use 1 or more)" in str(caught.value)


def test_no_message_shows_the_password_of_a_backend() -> None:
    for text in ("backend: 'postgres:u:hunter2@db'\n", "backend: postgres://u:hunter2@db\nworkers: 0\n"):
        with pytest.raises(InputError) as caught:
            _sources().settings(text)
        assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(_sources().settings("backend: postgres://u:hunter2@db\n"))


UNREADABLE = [
    ("missing", lambda path: path.parent, "is missing"),
    ("a folder", lambda path: path.mkdir(), "is not a file"),
    ("bytes", lambda path: path.write_bytes(b"\xff\xfe"), "is not UTF-8"),
    ("too large", lambda path: path.write_bytes(b" " * 2_000_000), "is too large"),
    ("a device without end", lambda path: path.symlink_to("/dev/zero"), "is not a file"),
]


@pytest.mark.parametrize(("why", "make", "message"), UNREADABLE, ids=[case[0] for case in UNREADABLE])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, why: str, make: Any, message: str) -> None:
    file = tmp_path / "settings.yaml"
    make(file)
    with pytest.raises(InputError, match=message) as caught:
        read_text(file)
    assert str(file) in str(caught.value)
