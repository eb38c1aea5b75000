"""What a kubelet would do with what the daemon wrote: the real proxy, started from the objects on the cluster."""

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.daemon.harness import Namespace
from tests.litellm_proxy.harness import LiteLLMProxy

__all__ = ["gateway_proxy"]


def gateway_proxy(namespace: Namespace, name: str, folder: Path) -> LiteLLMProxy:
    """Return the proxy that the Deployment of a gateway runs, to be started by a ``with`` statement.

    Only its port and the folder in which it lies differ from the container's.

    Parameters
    ----------
    namespace, name
        The gateway.
    folder
        Stands for the root folder of the container.
    """
    pod = namespace.existing("Deployment", name)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for volume in pod["volumes"]:
        place = _inside(folder, mounts[volume["name"]])
        place.mkdir(parents=True)
        if "configMap" in volume:
            files = namespace.existing("ConfigMap", volume["configMap"]["name"])["data"]
            for file, text in files.items():
                (place / file).write_text(text, encoding="utf-8")
    environment = dict(_environment(namespace, container["env"]))
    multiprocess = environment["PROMETHEUS_MULTIPROC_DIR"]
    assert multiprocess in mounts.values()
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(_inside(folder, multiprocess))
    (port,) = container["ports"]
    program, config_option, config, *port_options = container["command"]
    assert [program, config_option, *port_options] == [
        *("litellm", "--config"),
        *("--port", str(port["containerPort"])),
    ]
    return LiteLLMProxy(_inside(folder, config), environment)


def _inside(folder: Path, path: str) -> Path:
    return folder / path.lstrip("/")


def _environment(namespace: Namespace, variables: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for variable in variables:
        if "value" in variable:
            yield variable["name"], variable["value"]
            continue
        reference = variable["valueFrom"]["secretKeyRef"]
        found = namespace.get("Secret", reference["name"])
        data = found["data"] if found else {}
        if reference["key"] in data:
            yield variable["name"], base64.b64decode(data[reference["key"]]).decode()
        else:
            assert reference.get("optional"), f"{variable['name']} asks for a Secret that does not exist"
