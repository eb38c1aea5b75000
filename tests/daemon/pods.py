"""What a kubelet would do with what the daemon wrote: the real proxy, started from the objects on the cluster."""

import base64
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.daemon.harness import Namespace
from tests.litellm_proxy.harness import LiteLLMProxy


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
    environment = container_environment(container, namespace.get)
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


def container_environment(
    container: Mapping[str, Any], find: Callable[[str, str], Mapping[str, Any] | None]
) -> dict[str, str]:
    """Return the variables of a container as a kubelet makes them (pkg/kubelet/kubelet_pods.go).

    Sources of ``envFrom`` come first, a later one wins; ``env`` replaces what they give, in its order, and
    ``$(NAME)`` in a value stands for what was made before it.

    Parameters
    ----------
    container
        The container in JSON types.
    find
        Returns an object of the pod's namespace by kind and name; None where there is none.
    """
    made: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if reference := source.get(field):
                data = _data(find, kind, reference)
                made |= {f"{source.get('prefix', '')}{key}": value for key, value in (data or {}).items()}
    for variable in container["env"]:
        if "valueFrom" not in variable:
            made[variable["name"]] = _expanded(variable.get("value", ""), made)
            continue
        ((field, reference),) = variable["valueFrom"].items()
        kind = {"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"}[field]
        data = _data(find, kind, reference) or {}
        if reference["key"] in data:
            made[variable["name"]] = data[reference["key"]]
        else:
            assert reference.get("optional"), f"{variable['name']} asks for a key that does not exist"
    return made


def _data(
    find: Callable[[str, str], Mapping[str, Any] | None], kind: str, reference: Mapping[str, Any]
) -> dict[str, str] | None:
    found = find(kind, reference["name"])
    if found is None:
        assert reference.get("optional"), f"{kind} {reference['name']} does not exist, and is not optional"
        return None
    data: dict[str, str] = found.get("data") or {}
    return (
        data
        if kind == "ConfigMap"
        else {key: base64.b64decode(value).decode() for key, value in data.items()}
    )


def _expanded(text: str, known: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = found["name"]
        return found[0][1:] if name is None else known.get(name, found[0])

    # Of two dollar signs the first takes the second its meaning.
    return re.sub(r"\$\$|\$\((?P<name>[^)]*)\)", value, text)
