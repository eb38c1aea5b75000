"""`gatewayctl dev` as users start it: a folder of manifests on a cluster that holds none of them."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from lab import ControlPlane, wait_until
from tests.daemon.harness import GATEWAYCTL, PATCH_ANNOTATION, SECONDS, Namespace
from tests.daemon.manifests import config_map, gateway, secret, tool_gateway, tool_route
from tests.daemon.starts import imports_for
from tests.gatewayctl import gatewayctl

PASSWORD = "hunter2"
OBJECTS = (("ConfigMap", "{}-config"), ("Deployment", "{}"), ("Service", "{}"))


class Dev:
    """A folder, and ``gatewayctl dev`` on it as a process of its own."""

    def __init__(self, place: Namespace, base: Path) -> None:
        self.folder = base / "manifests"
        self.folder.mkdir()
        self.cache = base / "cache"
        self._place = place
        self._log = base / "log"
        self._environment = {
            **os.environ,
            "KUBECONFIG": str(place.lab.kubeconfig),
            "XDG_CACHE_HOME": str(self.cache),
        }

    def start(self, *options: str) -> Self:
        self._command = ["dev", "manifests", "--namespace", self._place.name, *options]
        self._log.write_text("")
        self.process = imports_for(self._environment).start(
            str(GATEWAYCTL), self._command, self._environment, self.folder.parent, self._log
        )
        return self

    def again(self) -> subprocess.CompletedProcess[str]:
        """Start it a second time, and return how that ended."""
        return gatewayctl(*self._command, env=self._environment, folder=self.folder.parent)

    def write(self, name: str, *manifests: dict[str, Any]) -> None:
        """Write a file as careful editors do."""
        beside = self.folder / f".{name}.new"
        beside.write_text(yaml.safe_dump_all(manifests))
        beside.rename(self.folder / name)

    def said(self) -> list[str]:
        return [" ".join(line.split()) for line in self._log.read_text().splitlines()]

    def wait_for(self, *parts: str, times: int = 1) -> str:
        """Wait until so many lines hold all these parts, and return the last of them."""

        def found() -> list[str]:
            lines = [line for line in self.said() if all(part in line for part in parts)]
            return lines if len(lines) >= times else []

        try:
            return wait_until(found, timeout=SECONDS, what=f"{times} lines with {parts}")[-1]
        except TimeoutError as error:
            error.add_note("\n".join(self.said()))
            raise

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def place(lab: ControlPlane, lab_namespace: str) -> Namespace:
    return Namespace(lab, lab_namespace)


@pytest.fixture
def dev(place: Namespace, tmp_path: Path) -> Iterator[Dev]:
    found = Dev(place, tmp_path)
    yield found
    if found.process.poll() is None:
        found.stop(signal.SIGKILL)


def _objects(place: Namespace, name: str) -> list[bool]:
    return [place.get(kind, pattern.format(name)) is not None for kind, pattern in OBJECTS]


def _hash(place: Namespace, name: str) -> Callable[[], str]:
    def read() -> str:
        template = place.existing("Deployment", name)["spec"]["template"]
        found: str = template["metadata"]["annotations"]["runtime.agentic-layer.ai/secret-hash"]
        return found

    return read


def test_a_folder_is_followed_until_ctrl_c_which_cleans_up(place: Namespace, dev: Dev) -> None:
    dev.write("chat.yaml", gateway("chat", "first"))
    dev.write("keys.yaml", secret("api-key-secrets", OPENAI_API_KEY=PASSWORD, OLD_KEY="old"))
    dev.start()
    dev.wait_for("ready", f"AiGateway {place.name}/chat at http://chat.{place.name}.svc.cluster.local")
    assert "openai/first" in place.config("chat")
    deployment = place.existing("Deployment", "chat")
    assert "ownerReferences" not in deployment["metadata"], "there is nothing in the cluster to own it"

    second = dev.again()
    assert second.returncode == 1
    assert "another gatewayctl dev works on manifests" in second.stderr

    # Edited: the gateway, then a Secret that it uses.
    dev.write("chat.yaml", gateway("chat", "second"))
    place.wait_config("chat", "openai/second")
    before = _hash(place, "chat")()
    dev.write("keys.yaml", secret("api-key-secrets", OPENAI_API_KEY="another"))
    wait_until(lambda: _hash(place, "chat")() != before, timeout=SECONDS, what="another hash of the Secret")
    assert place.existing("Secret", "api-key-secrets")["data"].keys() == {"OPENAI_API_KEY"}, (
        "the old key went"
    )

    # Broken: reported with file and line, and what was applied goes on.
    dev.write("chat.yaml", gateway("chat", "third", prot=8080))
    dev.wait_for("error", "manifests/chat.yaml:", "spec.prot", "did you mean port?")
    dev.wait_for("failed", "AiGateway", "the last applied objects stay")
    assert "openai/second" in place.config("chat")
    (dev.folder / "chat.yaml").write_text("kind: [")
    dev.wait_for("error", "manifests/chat.yaml:2", "correct the YAML")

    # Fixed, with more beside it.
    dev.write("chat.yaml", gateway("chat", "fourth"))
    dev.write("tools.yaml", tool_gateway("tools"), tool_route("docs", "tools"))
    dev.wait_for("fixed", "no more errors")
    place.wait_config("chat", "openai/fourth")
    dev.wait_for("routed", f"ToolRoute {place.name}/docs at http://tools.{place.name}.svc.cluster.local/mcp/")

    # Deleted by hand: put right. Deleted from the folder: deleted.
    place.kubectl("delete", "service", "chat")
    dev.wait_for("drifted", "Service chat was deleted")
    wait_until(lambda: place.get("Service", "chat"), timeout=SECONDS, what="the Service deleted by hand")
    (dev.folder / "tools.yaml").unlink()
    dev.wait_for("deleted", "ToolGateway", "tools")
    assert _objects(place, "tools") == [False] * 3
    assert _objects(place, "chat") == [True] * 3

    states = [file.read_text() for file in dev.cache.rglob("*.json")]
    assert any("openai/fourth" in text for text in states), "this is where the state is"
    assert not any(PASSWORD in text for text in [*dev.said(), *states])

    assert dev.stop() == 0
    # What was being deleted from the state just then may be reported once more.
    assert f"deleted AiGateway {place.name}/chat" in dev.said()
    assert _objects(place, "chat") == [False] * 3
    assert place.get("Secret", "api-key-secrets") is None
    assert "Traceback" not in "\n".join(dev.said())


def test_objects_of_others_stay_and_kept_ones_are_adopted(place: Namespace, dev: Dev) -> None:
    # In the cluster: a gateway that a daemon looks after, somebody's Service, and a ConfigMap that a gateway refers to.
    place.apply(
        gateway("theirs"), config_map("extra", **{"patch.yaml": "litellm_settings: {num_retries: 7}"})
    )
    place.kubectl("create", "service", "clusterip", "taken", "--tcp=80")
    place.kubectl("create", "configmap", "shared", "--from-literal=a=theirs")
    dev.write("theirs.yaml", gateway("theirs"))
    dev.write("taken.yaml", gateway("taken"))
    dev.write("kept.yaml", gateway("kept", annotations={PATCH_ANNOTATION: "extra"}))
    dev.write("gone.yaml", gateway("gone"))
    dev.start("--keep")
    message = dev.wait_for("failed", f"AiGateway {place.name}/theirs", "the daemon reconciles it")
    assert f"kubectl delete aigateway theirs -n {place.name}" in message
    dev.wait_for("failed", 'Service "taken" exists')
    dev.wait_for("ready", "/kept")
    dev.wait_for("ready", "/gone")
    assert "num_retries: 7" in place.config("kept"), "what the folder lacks is taken from the cluster"
    assert _objects(place, "taken") == [False, False, True]

    dev.write("shared.yaml", config_map("shared", a="ours"))
    dev.wait_for("failed", f"ConfigMap {place.name}/shared cannot be applied", "take it out of the folder")
    (dev.folder / "shared.yaml").unlink()

    assert dev.stop(signal.SIGTERM) == 0
    assert "everything is kept" in dev.said()[-1]
    assert _objects(place, "kept") == [True] * 3

    # What leaves the folder meanwhile is deleted at the next start, and a bad folder deletes nothing.
    (dev.folder / "gone.yaml").unlink()
    (dev.folder / "kept.yaml").write_text("kind: [")
    dev.start()
    dev.wait_for("error", "kept.yaml:2")
    dev.wait_for("failed", "/taken")
    assert _objects(place, "kept") == [True] * 3
    assert _objects(place, "gone") == [True] * 3, "it may stand in the file that cannot be read"
    assert not [line for line in dev.said() if line.startswith("deleted")]
    dev.write("kept.yaml", gateway("kept", "again"))
    place.wait_config("kept", "openai/again")
    dev.wait_for("deleted", "/gone")

    assert dev.stop() == 0
    for name in ("kept", "gone"):
        assert _objects(place, name) == [False] * 3
    assert _objects(place, "taken") == [False, False, True]
    shared = place.existing("ConfigMap", "shared")
    assert shared["data"] == {"a": "theirs"}


def test_a_namespace_of_the_folder_is_made_first_and_stays(place: Namespace, dev: Dev) -> None:
    own = Namespace(place.lab, f"{place.name}-own")
    dev.write(
        "all.yaml",
        {**gateway("chat"), "metadata": {"name": "chat", "namespace": own.name}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own.name, "labels": {"tier": "ai"}}},
    )
    try:
        dev.start()
        dev.wait_for("applied", f"Namespace {own.name}")
        dev.wait_for("ready", f"AiGateway {own.name}/chat")
        assert dev.stop() == 0
        assert _objects(own, "chat") == [False] * 3
        assert (
            place.lab.kubectl("get", "namespace", own.name, "-o", "jsonpath={.metadata.labels.tier}") == "ai"
        )
    finally:
        place.lab.kubectl("delete", "namespace", own.name, "--ignore-not-found", "--wait=false")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("missing",), 2, "does not exist"),
        (("manifests", "--namespace", "A_B"), 2, "A_B"),
        (("manifests", "--kubeconfig", "manifests"), 2, "is a directory"),
    ],
)
def test_wrong_calls_are_reported_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    (tmp_path / "manifests").mkdir()
    done = gatewayctl("dev", *arguments, folder=tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert message in done.stderr
