"""gatewayctl stack, on what a real daemon left in the cluster, and with the real Pulumi CLI."""

import asyncio
import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from aiohttp import web
from click.testing import CliRunner

from gateway_components.cli.cluster import ClusterError
from gateway_components.cli.stack import stack as stack_commands
from gateway_components.cli.states import import_state
from gateway_components.engine.checkpoint import PROJECT, whole_checkpoint
from gateway_components.errors import InputError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.install_secrets import known_passphrase
from gateway_components.kube.state_format import PART_LABEL, STATE_SECRET, secret
from gateway_components.kube.state_reader import StateReader
from gateway_components.kube.state_secrets import StateSecrets, StateWriter
from lab import ControlPlane, wait_until
from lab.ports import free_port
from tests.daemon.harness import SECONDS, Daemon, Namespace, alone, fresh_namespace
from tests.daemon.manifests import gateway
from tests.engine.stored import deployment
from tests.faults.faulty_api import FaultyApi
from tests.gatewayctl import gatewayctl
from tests.kube.hooked import leading

HOME = {"GATEWAYCTL_INSTALL_NAMESPACE": "default"}
LOOKED = 1
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place(idle_lab: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespace]:
    """Return a namespace with two gateways, whose daemon has stopped."""
    with fresh_namespace(idle_lab, "demo") as found:
        with Daemon(idle_lab, tmp_path_factory.mktemp("daemon"), *alone(found)):
            found.apply(gateway("first"), gateway("second"))
            found.wait_ready("first")
            found.wait_ready("second")
        yield found


@pytest.fixture
def stack(place: Namespace) -> Run:
    env = {**os.environ, "KUBECONFIG": str(place.lab.kubeconfig), **HOME}
    return functools.partial(gatewayctl, "stack", env=env)


def test_stacks_are_listed(stack: Run) -> None:
    done = stack("ls")

    assert done.stdout.splitlines()[0].split() == ["NAMESPACE", "GATEWAYS", "STATE", "BYTES"]
    (found,) = (line.split() for line in done.stdout.splitlines() if line.startswith("demo "))
    assert found[:3] == ["demo", "2", "stored"]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_person_takes_over_with_the_pulumi_cli_and_hands_back(
    stack: Run, place: Namespace, tmp_path: Path
) -> None:
    exported = stack("export", "demo").stdout
    (tmp_path / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: yaml\n")
    environment = {
        **os.environ,
        "KUBECONFIG": str(place.lab.kubeconfig),
        "PULUMI_BACKEND_URL": tmp_path.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "a person's own",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def pulumi(*arguments: str, input: str = "") -> str:  # noqa: A002
        done = subprocess.run(
            [Path(sys.executable).with_name("pulumi"), "--non-interactive", *arguments],
            cwd=tmp_path,
            env=environment,
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pulumi("stack", "init", "demo")
    pulumi("stack", "import", input=exported)
    assert "kubernetes:apps/v1:DeploymentPatch" in pulumi("stack", "--show-urns")
    place.kubectl("delete", "service", "first")
    assert "ServicePatch" in pulumi("refresh", "--preview-only", "--diff"), "a person sees what has gone"
    back = pulumi("stack", "export")

    done = stack("import", "demo", input=back)

    assert done.stdout == "imported: demo has 2 gateways: AiGateway/first, AiGateway/second\n"
    assert json.loads(stack("export", "demo").stdout)["deployment"]["resources"]


def test_a_preview_shows_the_changes_and_makes_none(stack: Run, place: Namespace) -> None:
    before = place.existing("Secret", STATE_SECRET)["metadata"]["resourceVersion"]
    place.kubectl("set", "image", "deployment/first", "litellm=example.com/other:1")
    place.apply(gateway("second", "other-model"))

    done = stack("preview", "demo")

    assert (done.returncode, done.stderr) == (0, "")
    assert "example.com/other:1" in done.stdout
    assert "other-model" in done.stdout
    assert place.existing("Secret", STATE_SECRET)["metadata"]["resourceVersion"] == before
    assert "other-model" not in place.config("second")


def test_a_preview_makes_no_stack_in_another_backend(stack: Run, tmp_path: Path) -> None:
    done = stack("preview", "demo", "--backend", tmp_path.as_uri())

    assert (done.returncode, done.stderr) == (0, "")
    assert "ServicePatch" in done.stdout
    assert not list(tmp_path.rglob("demo*"))


LOOKS = (
    ("stack", "ls"),
    ("stack", "export", "demo"),
    ("stack", "preview", "demo"),
    ("status", "--all-namespaces"),
    ("graph", "--all-namespaces"),
)


@pytest.mark.parametrize("look", LOOKS, ids=" ".join)
def test_a_command_that_looks_writes_nothing(place: Namespace, look: tuple[str, ...]) -> None:
    left = secret(f"{STATE_SECRET}-{'0' * 16}", {}, {PART_LABEL: "true"})
    place.apply(left)
    written: list[str] = []

    def note(request: web.Request) -> bool:
        # The provider asks the API server what an apply would do.
        if request.method != "GET" and "dryRun=All" not in request.query_string:
            written.append(f"{request.method} {request.path_qs}")
        return False

    with FaultyApi(place.lab, free_port()) as api, api.fault(lambda _, forward: forward(), note):
        done = gatewayctl(*look, env={**os.environ, "KUBECONFIG": str(api.kubeconfig), **HOME})

    assert (done.returncode, done.stderr) == (0, "")
    assert api.asked
    assert written == []
    assert place.get("Secret", left["metadata"]["name"])
    place.kubectl("delete", "secret", left["metadata"]["name"])


async def test_a_state_is_read_by_every_command_while_it_is_written(place: Namespace) -> None:
    looking = True
    writes = 0

    async def write(stored: StateSecrets, checkpoint: bytes, version: str) -> str:
        nonlocal writes
        while looking:
            writes += 1
            # The next content, and the same again.
            version = await stored.save("demo", checkpoint + b" " * (writes % 2), version)
        return version

    async def look(arguments: tuple[str, ...]) -> str:
        env = {**os.environ, "KUBECONFIG": str(place.lab.kubeconfig), **HOME}
        done = await asyncio.to_thread(gatewayctl, *arguments, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    async with await KubeClient.connect(place.lab.kubeconfig) as client:
        key = await known_passphrase(client, "default")
        whole = StateSecrets(leading(client), key=key)
        before = await whole.load("demo")
        assert before
        assert before.checkpoint
        parted = StateSecrets(leading(client), 700, key=key)
        writing = asyncio.create_task(write(parted, before.checkpoint, before.version))
        try:
            listed = [(await look(arguments)).splitlines() for arguments in LOOKS for _ in range(LOOKED)]
        finally:
            looking = False
            version = await writing
        after = await StateReader(client, key=key).load("demo")
        await whole.save("demo", before.checkpoint, version)

    rows = [line.split() for lines in listed[:LOOKED] for line in lines if line.startswith("demo ")]
    assert [row[2] for row in rows] == ["stored"] * LOOKED
    assert after
    assert len(after.parts) > 1
    assert after.checkpoint == before.checkpoint + b" " * (writes % 2)


def test_what_cannot_be_planned_is_reported_beside_the_preview(stack: Run, place: Namespace) -> None:
    place.apply(
        gateway("broken", guardrails=[{"name": "missing\x1b[2J"}]),
        gateway("odd", "a\x1b[2Jb", env=[{"name": "NOTE", "value": "\x1b]0;title\x07"}]),
    )
    try:
        done = stack("preview", "demo")
    finally:
        place.kubectl("delete", "aigateway", "broken", "odd")

    assert done.returncode == 1
    assert "AiGateway demo/broken: GuardrailsResolutionFailed" in done.stderr
    assert "title" in done.stdout
    # An object must not control the reader's terminal.
    assert not {"\x1b", "\x07"} & {*done.stdout, *done.stderr}
    assert "Traceback" not in done.stderr


def test_after_an_import_the_daemon_corrects_the_drift(stack: Run, place: Namespace, tmp_path: Path) -> None:
    exported = stack("export", "demo").stdout
    with Daemon(place.lab, tmp_path, *alone(place)) as daemon:
        daemon.wait_for("watching")
        place.apply(gateway("first", "newer-model"))
        place.wait_config("first", "newer-model")
        place.wait_ready("first")
        runs = len(daemon.events("engine ran"))

        assert stack("import", "demo", input=exported).returncode == 0

        wait_until(
            lambda: (
                len(daemon.events("engine ran", refresh=True)) and len(daemon.events("engine ran")) > runs
            ),
            timeout=SECONDS,
            what="a look at everything",
        )
        place.wait_ready("first")
        assert "newer-model" in place.config("first")


MISTAKES = (
    (("export", "empty"), "", "namespace empty has no state; gatewayctl stack ls shows"),
    (("import", "demo"), "not a state", "this is not a Pulumi state"),
    (("import", "demo"), '{"version": 3}', "this is not a Pulumi state"),
    (("export", "Bad"), "", "not a valid namespace name"),
)


@pytest.mark.parametrize(("arguments", "given", "message"), MISTAKES)
def test_a_mistake_is_named(stack: Run, arguments: tuple[str, ...], given: str, message: str) -> None:
    done = stack(*arguments, input=given)

    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_of_another_namespace_is_refused(stack: Run) -> None:
    done = stack("import", "other", input=stack("export", "demo").stdout)

    assert done.returncode == 1
    assert ", of another stack than other" in done.stderr


def forged(stack: Run) -> str:
    """Return a state with a plugin in its provider, and an object of another namespace."""
    state = json.loads(stack("export", "demo").stdout)
    provider = next(
        one for one in state["deployment"]["resources"] if one["type"].startswith("pulumi:providers:")
    )
    provider["inputs"]["pluginDownloadURL"] = "https://evil.example"
    foreign = {"type": "kubernetes:core/v1:ConfigMap", "custom": True, "id": "kube-system/coredns"}
    urn = f"urn:pulumi:demo::{PROJECT}::{foreign['type']}::coredns"
    state["deployment"]["resources"].append({**foreign, "urn": urn})
    return json.dumps(state)


def test_a_forged_state_is_not_imported(stack: Run, place: Namespace) -> None:
    before = place.existing("Secret", STATE_SECRET)["data"]

    done = stack("import", "demo", input=forged(stack))

    assert done.returncode == 1
    assert 'it contains inputs."pluginDownloadURL" of the resource pulumi:providers:kubernetes' in done.stderr
    assert place.existing("Secret", STATE_SECRET)["data"] == before


async def test_a_forged_state_is_shown_to_who_asks_for_it_unverified(stack: Run, place: Namespace) -> None:
    before = place.existing("Secret", STATE_SECRET)["data"]
    async with await KubeClient.connect(place.lab.kubeconfig) as client:
        version = place.existing("Secret", STATE_SECRET)["metadata"]["resourceVersion"]
        # As a tenant can: without the passphrase.
        await StateWriter(client).save("demo", forged(stack).encode(), version)
    try:
        looked = {command: stack(*command.split(), "demo") for command in ("export", "preview")}
        listed, unverified = stack("ls"), stack("export", "--unverified", "demo")
    finally:
        place.patch("Secret", STATE_SECRET, {"data": {"base": None, **before}})

    for command, done in looked.items():
        assert (done.returncode, done.stdout) == (1, ""), command
        assert "not written with the passphrase of this install" in done.stderr
    assert [line.split()[2] for line in listed.stdout.splitlines() if line.startswith("demo ")] == ["damaged"]
    assert "evil.example" in unverified.stdout


READERS = (("ls",), ("export", "demo"), ("import", "demo"), ("preview", "demo"))


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_commands_ask_for_the_namespace_with_the_passphrase(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway_components.cli.arguments.pod_namespace", lambda: None)
    monkeypatch.delenv("GATEWAYCTL_INSTALL_NAMESPACE", raising=False)

    with pytest.raises(InputError, match=r"--install-namespace: is missing.*GATEWAYCTL_INSTALL_NAMESPACE"):
        CliRunner().invoke(stack_commands, command, catch_exceptions=False)


async def test_a_state_that_could_not_be_read_again_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway_components.cli.states.UNPACKED_BYTES", 100)
    nobody = cast("KubeClient", None)

    with pytest.raises(ClusterError, match="no state is read that has more than 100"):
        await import_state(nobody, "team", whole_checkpoint("team", deployment("team", "chat")), "home")
