"""The daemon's container with what a pod has: a root nobody can write to, an account's token, no user and no rights."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from gateway_components.engine.programs import pulumi_home
from tests.daemon.harness import GATEWAYCTL
from tests.install.pod import ENTRYPOINT, Pod, variables

_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
_HOME = "/opt/pulumi"
_USER = "65532"
_CHECKOUT = Path(__file__).parents[2]

# Mounts are seen by the sandbox alone. The upper layer gives the mount points, and opens the folders on the way to this
# Python for a user who is not the one it belongs to.
_SCRIPT = f"""
set -e
cd "$SANDBOX"
mount -t tmpfs tmpfs layers
mkdir -p layers/upper layers/root
chmod 755 layers/upper
for folder in $OPENED $POINTS {_ACCOUNT} {_HOME} /etc; do mkdir -p "layers/upper$folder"; done
{{ cat /etc/passwd; echo "gateways:x:{_USER}:{_USER}::/tmp:/bin/false"; }} > layers/upper/etc/passwd
for folder in $OPENED; do chmod 755 "layers/upper$folder"; done
mount -t overlay overlay -o lowerdir=layers/upper:/ layers/root
mount --rbind /proc layers/root/proc
mount --rbind /dev layers/root/dev
mount --bind account layers/root{_ACCOUNT}
mount --bind engine layers/root{_HOME}
mount -o remount,bind,ro layers/root{_HOME}
for pair in $VOLUMES; do mount --bind "${{pair%%:*}}" "layers/root${{pair#*:}}"; done
for path in $SHOWN; do mkdir -p "layers/root$path"; mount --bind "$path" "layers/root$path"; done
exec chroot layers/root setpriv --reuid {_USER} --regid {_USER} --clear-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all env --ignore-environment $VARIABLES "$@"
"""


def why_not() -> str:
    """Return why there can be no sandbox on this machine; empty where there can."""
    if os.getuid() != 0:
        return "mounts need root"
    if not all(map(shutil.which, ("unshare", "setpriv"))):
        return "there is no unshare or setpriv"
    done = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr.strip()


class SandboxedPod(Pod):
    """A `Pod` whose process can do no more than its container could; only the two volumes can be written to."""

    def command(
        self, found: Mapping[str, Any], mounts: Mapping[str, Path], namespace: str, options: tuple[str, ...]
    ) -> list[str]:
        """Return the command line that makes the sandbox and starts the daemon in it."""
        folder = self.volumes.parent
        for name in ("layers", "account", "engine"):
            (folder / name).mkdir()
        shutil.copytree(pulumi_home() / "plugins", folder / "engine" / "plugins")
        self._put_account(folder / "account", namespace)
        for path in (folder / "engine").rglob("*"):
            path.chmod(0o755)
        for place in mounts.values():
            place.chmod(0o777)
        url = urlsplit(self.lab.url)
        environment = {
            **variables(found, namespace),
            # Of the image.
            "PATH": f"{GATEWAYCTL.parent}:/usr/bin:/bin",
            "HOME": "/tmp",  # noqa: S108  (a volume of its own)
            "PULUMI_HOME": _HOME,
            "PYTHONDONTWRITEBYTECODE": "1",
            # Of every pod.
            "KUBERNETES_SERVICE_HOST": str(url.hostname),
            "KUBERNETES_SERVICE_PORT": str(url.port),
        }
        home = Path.home()
        inner = {
            "SANDBOX": str(folder),
            "OPENED": " ".join(str(part) for part in reversed((home, *home.parents[:-1]))),
            "POINTS": " ".join(mounts),
            "VOLUMES": " ".join(f"{place}:{path}" for path, place in mounts.items()),
            # A volume may hide the checkout that the program is in.
            "SHOWN": " ".join({str(_CHECKOUT) for path in mounts if _CHECKOUT.is_relative_to(path)}),
            "VARIABLES": " ".join(f"{name}={value}" for name, value in environment.items()),
        }
        arguments = [argument.replace("8080", str(self.port)) for argument in found["args"]]
        return [
            *("env", *(f"{name}={value}" for name, value in inner.items())),
            *("unshare", "--mount", "--propagation=private", "sh", "-c", _SCRIPT, "sandbox"),
            *(str(GATEWAYCTL), *ENTRYPOINT, *arguments, *options),
        ]

    def _put_account(self, folder: Path, namespace: str) -> None:
        kubeconfig = yaml.safe_load(self.kubeconfig.read_text())
        files = {
            "token": kubeconfig["users"][0]["user"]["token"],
            "namespace": namespace,
            "ca.crt": self.lab.certificate.read_text(),
        }
        for name, text in files.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
        folder.chmod(0o755)
