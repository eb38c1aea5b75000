"""The proxy as pods run it: as nobody, without rights, on a root folder that it cannot write to."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from gateway_components.plan.environment import MULTIPROC_DIR
from tests.litellm_proxy.harness import litellm_binary

# Mounts are seen by this process alone. The upper layer gives the mount points, and opens the folders on the way to the
# program for a user whom it does not belong to.
_SCRIPT = """#!/bin/sh
exec unshare --mount --propagation=private sh -ec '
    PATH="$PATH:/usr/sbin:/sbin"; layers="$PWD/layers"; config="$1"; shift
    mkdir "$layers"; mount -t tmpfs tmpfs "$layers"
    mkdir -p "$layers/upper" "$layers/work" "$layers/root"
    for folder in {opened} /app/config {volumes}; do
        mkdir -p "$layers/upper$folder"; chmod 755 "$layers/upper$folder"
    done
    chmod 755 "$layers/upper"
    cp "$config" "$layers/upper/app/config/config.yaml"; chmod 644 "$layers/upper/app/config/config.yaml"
    mount -t overlay overlay -o "lowerdir=$layers/upper:/" "$layers/root"
    mount --rbind /proc "$layers/root/proc"; mount --rbind /dev "$layers/root/dev"
    for folder in {volumes}; do mount -t tmpfs -o mode=1777 tmpfs "$layers/root$folder"; done
    export HOME=/nonexistent PROMETHEUS_MULTIPROC_DIR={multiproc}
    exec chroot "$layers/root" setpriv --reuid {user} --regid {group} --clear-groups --no-new-privs \\
        --bounding-set=-all --inh-caps=-all {binary} --config /app/config/config.yaml "$@"
' confined "$2" "$3" "$4" "$5" "$6"
"""


def confined_binary(folder: Path, container: Mapping[str, object]) -> Path:
    """Write a program that starts the proxy with the rights of a gateway's container, and return its path.

    An overlay without an upper layer cannot be written to, by nobody. `container` has the security context, in JSON
    types.
    """
    assert container["readOnlyRootFilesystem"]
    assert container["allowPrivilegeEscalation"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    found = (litellm_binary(), litellm_binary().resolve(), Path(sys.base_prefix), Path.home())
    opened = dict.fromkeys(
        str(part) for path in found for part in reversed(path.parents) if part != Path("/")
    )
    program = folder / "confined-litellm"
    program.write_text(
        _SCRIPT.format(
            opened=" ".join(map(shlex.quote, (*opened, str(Path.home())))),
            volumes=f"/tmp {MULTIPROC_DIR}",  # noqa: S108  (a mount of its own)
            multiproc=MULTIPROC_DIR,
            user=container["runAsUser"],
            group=container["runAsGroup"],
            binary=shlex.quote(str(litellm_binary().resolve())),
        )
    )
    program.chmod(0o755)
    return program
