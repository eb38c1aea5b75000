"""Variables of the pod: which of them LiteLLM's configuration names, and which name each other.

LiteLLM 1.83.14 replaces each text of its configuration that begins with ``os.environ/`` by the value of that variable,
at any depth (`ProxyConfig._check_for_os_environ_vars`). It replaces neither keys nor list items. ``oidc/`` and key
managers are reached only behind this prefix.

In ``spec.env``, ``$(NAME)`` names a variable. The kubelet replaces it by what ``envFrom`` and the variables before it
give; it knows nothing of the image's own variables.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Literal

from gateway_components.api.pod import EnvVar
from gateway_components.api.syntax import shown
from gateway_components.errors import Finding, InText, Path, dotted
from gateway_components.identity import Identity
from gateway_components.plan.environment import MULTIPROC_VARIABLE, Origins
from gateway_components.plan.findings import WarningReason, plan_warning
from gateway_components.plan.snapshot import Content

REFERENCE = "os.environ/"
"""Prefix of a text that stands for a variable."""


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TOKEN = re.compile(r"oidc/env(?:_path)?/(.*)", re.DOTALL)
_IMAGE = frozenset(("HOME", "HOSTNAME", "LANG", "PATH", "PWD"))
"""Variables that every container has, beside those of the API server's Service."""
_API_SERVER = "KUBERNETES_"
_WEBHOOKS = "alert_to_webhook_url"
"""Where LiteLLM looks at the items of lists by itself (`process_slack_alerting_variables`)."""
_MASTER_KEY = ("general_settings", "master_key")
MASTER_VARIABLE = "LITELLM_MASTER_KEY"


class _Reference(str):
    """A reference that we wrote, as opposed to a text of others that looks like one."""

    __slots__ = ()


def from_environment(variable: str) -> str:
    """Return the value of a configuration for which LiteLLM takes that of `variable`."""
    return _Reference(f"{REFERENCE}{variable}")


def foreign_references(value: Any) -> Iterator[Path]:
    """Yield the way to each text in generated `value` that names a variable and was not made by `from_environment`.

    Whoever may write one could have any variable of the pod sent to an address of their own. Keys and items count as
    well: what becomes of them in the end is up to LiteLLM.
    """
    return (path for path, found in walk(value) if _is_foreign(found) or (path and _is_foreign(path[-1])))


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield `value` and each value within its maps and lists, with the way to it."""
    yield path, value
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from walk(item, (*path, position))


def _is_foreign(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(REFERENCE) and not isinstance(value, _Reference)


_State = Literal["set", "empty", "missing", "unknown"]


class Variables:
    """What is known of the variables that a pod has.

    They are in ``env`` of its container, in JSON types, and in what ``envFrom`` provides. `contents` are the Secrets
    and ConfigMaps that exist, and `absent` those that do not.
    """

    def __init__(
        self,
        env: Iterable[Mapping[str, Any]],
        origins: Origins,
        namespace: str,
        contents: Mapping[Identity, Content],
        absent: Collection[Identity],
    ) -> None:
        self._env = {variable["name"]: variable for variable in env}
        self._origins = origins
        self._namespace = namespace
        self._contents = contents
        self._absent = absent

    def __contains__(self, name: str) -> bool:
        return name in self._env

    def state(self, name: str) -> _State:
        """Return the state of a variable, as far as is known. What keeps pods from starting counts as unknown."""
        variable = self._env.get(name)
        if variable is None:
            return "set" if name in _IMAGE and name not in self._origins.empty else self.beside(name)
        source = variable.get("valueFrom")
        if source is None:
            return "set" if variable.get("value") else "empty"
        if "secretKeyRef" in source:
            return self._of_key("Secret", source["secretKeyRef"])
        return self._of_key("ConfigMap", source["configMapKeyRef"]) if "configMapKeyRef" in source else "set"

    def beside(self, name: str) -> _State:
        """Return the same for variables from ``envFrom`` and Kubernetes."""
        if name in self._origins.variables:
            return "empty" if name in self._origins.empty else "set"
        if name.startswith(_API_SERVER):
            return "set"
        return "unknown" if self._origins.may_provide(name) else "missing"

    def _of_key(self, kind: Literal["ConfigMap", "Secret"], selector: Mapping[str, Any]) -> _State:
        reference = Identity(kind, self._namespace, selector.get("name", ""))
        key, content = selector.get("key", ""), self._contents.get(reference)
        is_absent = reference in self._absent or (
            content and content.keys is not None and key not in content.keys
        )
        if is_absent:
            return "missing" if selector.get("optional") else "unknown"
        if content is None or content.keys is None:
            return "unknown"
        return "empty" if key in content.empty else "set"


def master_key_warnings(config: Mapping[str, Any], variables: Variables, origin: Path) -> Iterator[Finding]:
    """Yield a warning where a master key is asked for and there would be none, or an empty one.

    Without one LiteLLM asks nobody for a key; with an empty one it takes no key from anybody. `origin` is the field of
    the gateway that a master key in the whole `config` comes from.
    """
    settings = block(config, "general_settings")
    path: Path = ()
    state: _State = "empty"
    name = MASTER_VARIABLE
    if "master_key" in settings:
        key, path = settings["master_key"], _MASTER_KEY
        if key and not (isinstance(key, str) and key.startswith(REFERENCE)):
            return
        name = _named(key) if key else ""
    elif name in variables:
        origin = ("spec", "env")
    else:
        return
    if name:
        state = "unknown" if _has_key_manager(config) else variables.state(name)
    if state not in ("empty", "missing"):
        return
    known = bool(_NAME.fullmatch(name))
    where = " by ".join((*((dotted(path),) if path else ()), *((f"the variable {name}",) if known else ())))
    effect = "serves everybody who reaches it" if state == "missing" else "refuses everybody"
    yield plan_warning(
        WarningReason.MASTER_KEY_EMPTY,
        f"the master key would be {state} ({where}), so the gateway {effect}",
        origin,
        f"set {name if known else MASTER_VARIABLE} in spec.env from a Secret",
        inside=InText(path=path) if path else None,
    )


def variable_warnings(config: Mapping[str, Any], variables: Variables, origin: Path) -> Iterator[Finding]:
    """Yield a warning for each variable that a patch names and pods do not have, apart from the master key.

    `config` is the whole configuration, `origin` the field of the gateway that the names come from.
    """
    if _has_key_manager(config):
        return  # whatever the pod does not have may be there
    late = block(config, "environment_variables")
    for path, name in _references(config):
        where, state = dotted(path), variables.state(name)
        is_left = isinstance(path[-1], int) and _WEBHOOKS not in path
        if path == _MASTER_KEY or (state in ("set", "unknown") and not is_left):
            continue
        cure = f"set {name} in spec.env or by a source of spec.envFrom"
        if not _NAME.fullmatch(name):
            message = f"{where} begins with {REFERENCE}, and what follows is not a variable name"
            cure = "write the name of a variable there"
        elif is_left:
            message = f"{where} is an item of a list, in which LiteLLM does not expand variables"
            cure = "write the value itself, unless it is a credential"
        elif state == "empty":
            message = f"{where} names the variable {name}, which is empty"
        elif name in late:
            # LiteLLM replaces names before it sets these.
            message = f"{where} names the variable {name}, which environment_variables sets too late"
        else:
            message = f"{where} names the variable {name}, which no pod has"
        yield plan_warning(WarningReason.VARIABLE_MISSING, message, origin, cure, inside=InText(path=path))


def block(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a block of a configuration; an empty map where it has none, or something else there."""
    found = config.get(name)
    return found if isinstance(found, Mapping) else {}


def _has_key_manager(config: Mapping[str, Any]) -> bool:
    return bool(block(config, "general_settings").get("key_management_system"))


def _references(config: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield the way to each text of others that names a variable, and the name; other tokens are passed over."""
    for path, value in walk(config):
        if isinstance(value, _Reference) or not isinstance(value, str):
            continue
        # In the headers of pass-through endpoints a name may stand behind other text.
        if value.startswith(REFERENCE) or (REFERENCE in value and "headers" in path):
            name = _named(value[value.index(REFERENCE) :])
            if not name.startswith("oidc/"):
                yield path, name


def _named(text: str) -> str:
    """Return what LiteLLM looks up for a text that begins with `REFERENCE`."""
    name = text.replace(REFERENCE, "")
    token = _TOKEN.fullmatch(name)
    return token[1] if token else name


_EXPANDED = re.compile(r"\$(?:\$|\(([^)]*)\))")
"""A reference, whose name is the group, or two dollar signs, which stand for one."""
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def expansion_warnings(
    given: Iterable[EnvVar], env: Iterable[Mapping[str, Any]], variables: Variables
) -> Iterator[Finding]:
    """Yield a warning for each reference of a variable to another one that Kubernetes does not replace.

    The variables of ``spec.env`` are `given`; `env` is that of the container, in its order.
    """
    places = {variable.name: position for position, variable in enumerate(given)}
    ranks = {variable["name"]: rank for rank, variable in enumerate(env)}
    for rank, variable in enumerate(env):
        position = places.get(variable["name"])
        if position is None or variable["name"] == MULTIPROC_VARIABLE:
            continue
        for name in _expanded(variable.get("value") or ""):
            comes_before = ranks.get(name, rank) < rank
            state = variables.state(name) if comes_before else variables.beside(name)
            if state != "missing":
                continue
            if comes_before:
                why, cure = f"{shown(name)} has no value", "give it one"
            elif ranks.get(name, rank) > rank:
                why, cure = f"{shown(name)} comes after it", "move that variable in front of this one"
            else:
                why, cure = "no variable before it has that name", "set one in front of it"
            yield plan_warning(
                WarningReason.VARIABLE_NOT_REPLACED,
                f"Kubernetes does not expand {_quoted(name)} in the variable {shown(variable['name'])}, since {why}",
                ("spec", "env", position, "value"),
                f"{cure}, or write $$ for $ to keep this text as it is",
            )


def _expanded(text: str) -> Iterator[str]:
    yield from dict.fromkeys(match[1] for match in _EXPANDED.finditer(text) if match[1] is not None)


def _quoted(name: str) -> str:
    # What is no name may be a part of a password.
    return shown(f"$({name})") if _VARIABLE_NAME.fullmatch(name) else "the text in $()"
