"""The namespace that goes without saying: that of the pod, or of the kubeconfig's current context."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["current_context", "home_namespace", "pod_namespace"]

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_DEFAULT = "default"


def pod_namespace(
    environment: Mapping[str, str] = os.environ, service_account: Path = _SERVICE_ACCOUNT
) -> str | None:
    """Return the namespace of the pod that this process runs in; None outside of a cluster.

    Parameters
    ----------
    environment
        Whose ``POD_NAMESPACE`` comes first, as with kubectl.
    service_account
        Where Kubernetes writes the namespace of a pod.
    """
    named = environment.get("POD_NAMESPACE")
    if named:
        return named
    try:
        return service_account.read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def home_namespace(kubeconfig: Path | None) -> str:
    """Return the namespace that a command without ``--namespace`` means, as kubectl has it.

    Parameters
    ----------
    kubeconfig
        File, or several joined as in ``KUBECONFIG``; None for the pod that this process runs in. What is wrong with
        it is told by whoever connects with it.
    """
    if kubeconfig is None:
        return pod_namespace() or _DEFAULT
    contexts: dict[str, str] = {}
    for content in _contents(kubeconfig):
        entries = content.get("contexts")
        for entry in entries if isinstance(entries, list) else ():
            contexts.setdefault(*_context(entry))
    return contexts.get(current_context(kubeconfig), "") or _DEFAULT


def current_context(kubeconfig: Path | None) -> str:
    """Return the name of the current context of a kubeconfig; empty where it has none."""
    current: object = None
    for content in _contents(kubeconfig) if kubeconfig else ():
        # Of several files the client takes the last that names one.
        current = content.get("current-context", current)
    return str(current or "")


def _contents(kubeconfig: Path) -> Iterator[Mapping[str, Any]]:
    return (_content(Path(part)) for part in str(kubeconfig).split(os.pathsep) if part)


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(path.expanduser().read_text(encoding="utf-8"), yaml.CSafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _context(entry: object) -> tuple[str, str]:
    """Return name and namespace of an entry of ``contexts``, empty where it has none."""
    fields = entry if isinstance(entry, dict) else {}
    context = fields.get("context")
    namespace = context.get("namespace") if isinstance(context, dict) else None
    return str(fields.get("name", "")), str(namespace or "")
