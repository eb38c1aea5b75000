"""Kubeconfigs by kubectl's rules: which files count, how they merge, and where a context leads."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gateway_components.api.spelling import nearest
from gateway_components.errors import Finding, InputError

_DEFAULT = "default"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True, slots=True)
class Entry:
    """A named cluster, context or user of a kubeconfig, whose relative paths begin at `folder`."""

    fields: Mapping[str, Any]
    folder: Path

    def text(self, name: str) -> str:
        """Return the text of a field; empty where it has none."""
        return _text(self.fields.get(name))


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """Kubeconfig files as one: for each name, and for the current context, the first file to set it wins.

    The current context is empty where there is none.
    """

    current: str = ""
    contexts: Mapping[str, Entry] = field(default_factory=dict)
    clusters: Mapping[str, Entry] = field(default_factory=dict)
    users: Mapping[str, Entry] = field(default_factory=dict)

    @classmethod
    def of(cls, given: str) -> "Kubeconfig":
        """Read the content of a kubeconfig, or the file at this path; raises as `of_files`."""
        if _is_content(given):
            return _merged([(_parsed(given, "the given kubeconfig"), Path.cwd())])
        return cls.of_files([Path(given)])

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> "Kubeconfig":
        """Read kubeconfig files.

        Raises InputError: one cannot be read, or is none. The message quotes nothing but names.
        """
        return _merged([(_read(file), file.expanduser().absolute().parent) for file in files])

    @classmethod
    def at(cls, path: Path) -> "Kubeconfig":
        """Read the kubeconfig at `path`, or several joined as in ``KUBECONFIG``: of these, any may be missing.

        Raises as `of_files`.
        """
        files = [Path(part) for part in str(path).split(os.pathsep) if part]
        if len(files) > 1:
            files = [file for file in files if file.expanduser().exists()]
        return cls.of_files(files)


@dataclass(frozen=True, slots=True)
class ClusterContext:
    """Where a kubeconfig leads to: a context, the URL of an API server, and the namespace of objects that name none.

    The name is empty inside a cluster, and where no kubeconfig is found; the server is, where the kubeconfig names
    none.
    """

    name: str = ""
    server: str = ""
    namespace: str = _DEFAULT

    def __str__(self) -> str:
        """Return it as messages name it."""
        server = self.server or "no server"
        return f'context "{self.name}" at {server}' if self.name else server


def find_kubeconfig() -> Path | None:
    """Return the kubeconfig that ``KUBECONFIG`` names, or the user's own; None inside a cluster without one."""
    named = os.environ.get("KUBECONFIG")
    if named:
        return Path(named)
    default = _users_own()
    return default if default.exists() and not _in_cluster() else None


def cluster_context(kubeconfig: str = "", context: str = "") -> ClusterContext:
    """Return the cluster that the Kubernetes provider works on, by its own rules.

    `kubeconfig` is the content of one, or its path; empty for the files of ``$KUBECONFIG``, else ``~/.kube/config``,
    else the cluster that this process runs in. An empty `context` is the current one.

    Raises InputError: a kubeconfig cannot be read, or lacks the context. The message quotes nothing but names.
    """
    found = Kubeconfig.of(kubeconfig) if kubeconfig else Kubeconfig.of_files(_ambient())
    if found == Kubeconfig() and not kubeconfig and not context:
        return _inside()
    name = context or found.current
    if name and name not in found.contexts:
        raise InputError(_missing(name, found.contexts, chosen=bool(context)))
    chosen = found.contexts.get(name)
    cluster = found.clusters.get(chosen.text("cluster")) if chosen else None
    return ClusterContext(
        name, cluster.text("server") if cluster else "", (chosen and chosen.text("namespace")) or _DEFAULT
    )


def kubeconfig_text(given: str, folder: Path) -> str:
    """Return a configured kubeconfig as the provider takes it.

    It is given as its content, or as a path relative to the project's `folder`: the provider works in another one.
    """
    return given if _is_content(given) else str(folder / Path(given.strip()).expanduser())


def pod_namespace(
    environment: Mapping[str, str] = os.environ, service_account: Path = _SERVICE_ACCOUNT
) -> str | None:
    """Return the namespace of the pod that this process runs in; None outside of a cluster.

    ``POD_NAMESPACE`` comes first, as with kubectl, then the file that Kubernetes writes beside a service account.
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

    `kubeconfig` is a file, or several joined as in ``KUBECONFIG``; None for the pod that this process runs in. Whoever
    connects with it reports what is wrong with it.
    """
    if kubeconfig is None:
        return pod_namespace() or _DEFAULT
    found = _tolerant(kubeconfig)
    chosen = found.contexts.get(found.current)
    return (chosen and chosen.text("namespace")) or _DEFAULT


def current_context(kubeconfig: Path | None) -> str:
    """Return the name of the current context of a kubeconfig; empty where it has none."""
    return _tolerant(kubeconfig).current if kubeconfig else ""


def _tolerant(kubeconfig: Path) -> Kubeconfig:
    try:
        return Kubeconfig.at(kubeconfig)
    except InputError:
        return Kubeconfig()


def _missing(name: str, contexts: Mapping[str, object], *, chosen: bool) -> Finding:
    meant = nearest(name, contexts)
    cure = f"did you mean {meant}?" if meant else f"its contexts: {', '.join(contexts) or 'none'}"
    what = "there is no context" if chosen else "the current context is"
    return Finding((), f'{what} "{name}"{"" if chosen else ", which is not"} in the kubeconfig', cure)


def _users_own() -> Path:
    return Path.home() / ".kube" / "config"


def _ambient() -> list[Path]:
    named = os.environ.get("KUBECONFIG", "")
    files = [Path(file) for file in named.split(os.pathsep) if file] or [_users_own()]
    return [file for file in files if file.exists()]


def _in_cluster() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ


def _inside() -> ClusterContext:
    if not _in_cluster():
        return ClusterContext(server="no kubeconfig was found")
    return ClusterContext(server="the cluster that this runs in", namespace=pod_namespace() or _DEFAULT)


def _is_content(given: str) -> bool:
    return "\n" in given or given.lstrip().startswith("{")


def _read(file: Path) -> Mapping[str, Any]:
    where = f"kubeconfig {file}"
    try:
        text = file.expanduser().read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputError(Finding((), f"{where} cannot be read: {reason}", "name one that exists")) from None
    return _parsed(text, where)


def _parsed(text: str, where: str) -> Mapping[str, Any]:
    try:
        document = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        # What YAML says about it quotes lines of it, which may hold credentials.
        document = "unreadable"
    if not isinstance(document, Mapping | None):
        raise InputError(Finding((), f"{where} is not a YAML map", "give one that kubectl takes"))
    return document or {}


def _merged(documents: Iterable[tuple[Mapping[str, Any], Path]]) -> Kubeconfig:
    current = ""
    sections: dict[str, dict[str, Entry]] = {"contexts": {}, "clusters": {}, "users": {}}
    for document, folder in documents:
        current = current or _text(document.get("current-context"))
        for section, known in sections.items():
            entries, part = document.get(section), section.removesuffix("s")
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, Mapping) and isinstance(entry.get(part), Mapping | None):
                    known.setdefault(_text(entry.get("name")), Entry(entry.get(part) or {}, folder))
    return Kubeconfig(current, **sections)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
