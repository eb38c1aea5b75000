"""Environment of the LiteLLM container (operator-reference, "Environment variables"), and what it lacks."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.api.pod import EnvFromSource, EnvVar
from gateway_components.errors import Finding, Path, listed
from gateway_components.identity import Identity
from gateway_components.plan.findings import WarningReason, plan_warning
from gateway_components.plan.snapshot import Content

API_KEY_SECRET = "api-key-secrets"  # noqa: S105  (the name of the Secret)
MULTIPROC_DIR = "/prometheus_multiproc"
MULTIPROC_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def api_key_variable(provider: str) -> str:
    """Return the variable that holds the API key of `provider`: ``OPENAI_API_KEY`` for ``openai``.

    Characters that no environment variable may hold become ``_``.
    """
    return re.sub(r"[^A-Z0-9_]", "_", provider.upper()) + "_API_KEY"


def secret_variable(name: str, secret: str, key: str, *, optional: bool | None = None) -> dict[str, Any]:
    """Return the variable `name` with the value of a key of a Secret, in JSON types."""
    selector = {"name": secret, "key": key, **({} if optional is None else {"optional": optional})}
    return {"name": name, "valueFrom": {"secretKeyRef": selector}}


@dataclass(frozen=True, slots=True)
class _UnknownSource:
    """A source of ``spec.envFrom`` whose variables are unknown."""

    reference: Identity
    prefix: str
    position: int
    optional: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class Origins:
    """What the sources of ``spec.envFrom`` provide.

    It has the names of the variables that they are known to provide, of those without a value (`empty`), and the
    sources whose keys are `unknown`.
    """

    variables: frozenset[str] = frozenset()
    unknown: tuple[_UnknownSource, ...] = ()
    empty: frozenset[str] = frozenset()

    def may_provide(self, variable: str) -> bool:
        """Return whether a source may provide `variable`, as far as is known."""
        unsure = any(
            variable.startswith(source.prefix)
            for source in self.unknown
            if not (source.optional and source.absent)  # pods start, and have nothing from it
        )
        return unsure or variable in self.variables

    def warnings(self, env: Iterable[Mapping[str, Any]], given: Iterable[EnvVar]) -> Iterator[Finding]:
        """Yield a warning for each source that may provide a variable which a generated one in `env` now wins over.

        The variables of ``spec.env``, which are `given`, win over the sources anyway.
        """
        settled = {MULTIPROC_VARIABLE, *(variable.name for variable in given)}
        generated = [variable["name"] for variable in env if variable["name"] not in settled]
        for source in self.unknown:
            hidden = [name for name in generated if name.startswith(source.prefix)]
            # Without a source that is not optional no pod starts, which is said elsewhere.
            if hidden and (source.optional or not source.absent):
                yield plan_warning(
                    WarningReason.ENVIRONMENT_UNKNOWN,
                    f"the keys of {source.reference} are not known, so a key that becomes {' or '.join(hidden)} "
                    "would lose against the generated variable of that name",
                    ("spec", "envFrom", source.position),
                    f"create that {source.reference.kind}, or set the variable in spec.env, which wins",
                    related=(source.reference,),
                )


def origins(
    sources: Sequence[EnvFromSource],
    namespace: str,
    contents: Mapping[Identity, Content],
    remembered: Mapping[Identity, frozenset[str]],
    absent: Collection[Identity] = (),
) -> Origins:
    """Return what the sources of ``spec.envFrom`` provide: each key of theirs, with the prefix in front.

    Parameters
    ----------
    contents, absent
        Secrets and ConfigMaps that exist, and those that were looked up and do not exist.
    remembered
        Keys of those that were deleted a moment ago, and whose values pods keep for now.
    """
    variables: set[str] = set()
    empty: set[str] = set()
    unknown: list[_UnknownSource] = []
    for position, source in enumerate(sources):
        reference = source_reference(source, namespace)
        if reference is None:
            continue
        prefix, content = source.prefix or "", contents.get(reference)
        keys = content.keys if content else remembered.get(reference)
        if keys is None:
            optional = any(found and found.optional for found in (source.secret_ref, source.config_map_ref))
            unknown.append(_UnknownSource(reference, prefix, position, optional, reference in absent))
        else:
            given = {f"{prefix}{key}" for key in keys}
            variables |= given
            # Of two sources with one key, the last holds.
            empty = empty - given | {f"{prefix}{key}" for key in (content.empty if content else ())}
    return Origins(frozenset(variables), tuple(unknown), frozenset(empty))


def source_reference(source: EnvFromSource, namespace: str) -> Identity | None:
    """Return the Secret or ConfigMap that an entry of ``spec.envFrom`` names; None where it names none."""
    if source.secret_ref and source.secret_ref.name:
        return Identity("Secret", namespace, source.secret_ref.name)
    if source.config_map_ref and source.config_map_ref.name:
        return Identity("ConfigMap", namespace, source.config_map_ref.name)
    return None


def environment(
    providers: Iterable[str],
    credentials: Iterable[Mapping[str, Any]],
    variables: Iterable[EnvVar],
    provided: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Return the container's ``env``: generated variables sorted by name, then the user's in the order given.

    Kubernetes replaces ``$(NAME)`` in a value by what stands before it, so that order counts. Names are unique.
    `variables` (``spec.env``) win over the API keys of `providers` and the `credentials` of guardrails. Variables that
    ``envFrom`` is known to provide (`provided`) replace generated ones, which are left out: in a pod, ``env`` beats
    ``envFrom``. Nothing wins over ``PROMETHEUS_MULTIPROC_DIR``. Of two equal names in `variables` the last holds, as in
    a pod.
    """
    generated: dict[str, dict[str, Any]] = {}
    for provider in providers:
        name = api_key_variable(provider)
        generated[name] = secret_variable(name, API_KEY_SECRET, name, optional=True)
    for credential in credentials:
        generated[credential["name"]] = dict(credential)
    generated = {name: variable for name, variable in generated.items() if name not in provided}
    generated[MULTIPROC_VARIABLE] = {"name": MULTIPROC_VARIABLE, "value": MULTIPROC_DIR}
    given: dict[str, dict[str, Any]] = {}
    for variable in variables:
        if variable.name != MULTIPROC_VARIABLE:
            given.pop(variable.name, None)
            given[variable.name] = variable.model_dump(by_alias=True, exclude_none=True)
    first = [generated[name] for name in sorted(generated.keys() - given.keys())]
    return [*first, *given.values()]


_Kind = Literal["ConfigMap", "Secret"]
_SELECTORS: tuple[tuple[_Kind, str], ...] = (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef"))
_ORIGINS: tuple[tuple[_Kind, str], ...] = (("Secret", "secretRef"), ("ConfigMap", "configMapRef"))
"""Where ``env`` and ``envFrom`` name Secrets and ConfigMaps."""
_GUARDS: Path = ("spec", "guardrails")
_MOST_COMPARED = 5000
"""As many pairs of keys are compared: a Secret may hold thousands, and a gateway may miss as many."""
_UNUSED_KEYS = frozenset(
    f"{provider.upper()}_API_KEY"
    for provider in (
        *("bedrock", "bedrock_mantle", "sagemaker", "sagemaker_chat", "sagemaker_nova", "aws_polly"),
        *("vertex_ai", "vertex_ai_beta", "oci", "sap", "github_copilot", "chatgpt"),
        *("docker_model_runner", "hosted_vllm", "infinity", "lemonade", "llamafile", "lm_studio", "ollama"),
        *("ollama_chat", "oobabooga", "petals", "triton", "vllm", "xinference"),
    )
)
"""Keys that nobody misses: these providers log in otherwise, or are servers of one's own that ask for none."""


@dataclass(frozen=True, slots=True)
class Absence:
    """What is known of the Secrets and ConfigMaps that one gateway refers to and that do not exist.

    Attributes
    ----------
    absent
        Those that were looked up and do not exist.
    awaited
        Those of them that existed a moment ago: a tool may be recreating them.
    running
        Annotations with hashes of the running pods; empty where there are none.
    remembered
        The keys that the awaited ones had, as far as they are known.
    """

    absent: frozenset[Identity] = frozenset()
    awaited: frozenset[Identity] = frozenset()
    running: Mapping[str, str] = field(default_factory=dict)
    remembered: Mapping[Identity, frozenset[str]] = field(default_factory=dict)

    def keeps(self, annotation: str, value: str, references: Collection[Identity]) -> bool:
        """Return whether running pods keep the hash they have, which without the absent ones is `value`.

        They are not replaced by pods without keys because a Secret is deleted for a moment. `references` is what the
        hash covers.
        """
        return self.running.get(annotation, value) != value and not self.awaited.isdisjoint(references)


def absence_warnings(
    gateway: Identity,
    container: Mapping[str, Any],
    guards: Collection[Identity],
    absence: Absence,
    kept: Collection[Identity],
    contents: Mapping[Identity, Content],
) -> Iterator[Finding]:
    """Yield a warning for each Secret or ConfigMap of a container that is absent or lacks a key.

    Optional references of the user are warned of only while they are awaited.

    Parameters
    ----------
    container
        In JSON types.
    guards
        The Secrets with credentials of its guards.
    kept
        The awaited ones whose values running pods keep for now.
    contents
        Those that exist; of a Secret, the names of its keys are looked at.
    """
    uses: dict[Identity, list[_Use]] = {}
    for use in _uses(container, gateway.namespace):
        uses.setdefault(use.reference, []).append(use)
    for reference in sorted(uses.keys() & absence.absent):
        what = _consequence(reference, uses[reference], is_kept=reference in kept)
        if what:
            at = _GUARDS if reference in guards else _path(gateway, uses[reference])
            cure = f"create that {reference.kind}"
            yield plan_warning(WarningReason.REFERENCE_NOT_FOUND, f"{reference} {what}", at, cure)
    for reference in sorted(uses.keys() & contents.keys()):
        keys = contents[reference].keys
        if keys is not None:
            lacking = [use for use in uses[reference] if use.key and use.key not in keys]
            at = _GUARDS if reference in guards else ()
            yield from _lacking_keys(gateway, reference, lacking, keys, at)


@dataclass(frozen=True, slots=True)
class _Use:
    reference: Identity
    variable: str
    key: str
    optional: bool


def _lacking_keys(
    gateway: Identity, reference: Identity, lacking: Collection[_Use], keys: Collection[str], at: Path
) -> Iterator[Finding]:
    folded: dict[str, str] = {}
    for key in sorted(keys):
        folded.setdefault(key.lower(), key)
    compared = 0
    for use in lacking:
        if use.optional and (not _holds_keys(reference) or use.variable in _UNUSED_KEYS):
            continue
        what = f"pods start without {use.variable}" if use.optional else "no new pod starts"
        compared += len(folded)
        near = (
            [folded[name] for name in get_close_matches(use.key.lower(), folded)]
            if compared <= _MOST_COMPARED
            else []
        )
        cure = f"add it; similar keys: {', '.join(near)}" if near else "add it"
        message = f"{reference} has no key {use.key}, so {what}"
        yield plan_warning(WarningReason.KEY_NOT_FOUND, message, at or _path(gateway, [use]), cure)


def _uses(container: Mapping[str, Any], namespace: str) -> Iterator[_Use]:
    for variable in container.get("env", ()):
        source = variable.get("valueFrom", {})
        for kind, name in _SELECTORS:
            if selector := source.get(name):
                yield _use(kind, namespace, selector, variable["name"])
    for origin in container.get("envFrom", ()):
        for kind, name in _ORIGINS:
            if selector := origin.get(name):
                yield _use(kind, namespace, selector)


def _use(kind: _Kind, namespace: str, selector: Mapping[str, Any], variable: str = "") -> _Use:
    reference = Identity(kind, namespace, selector.get("name", ""))
    return _Use(reference, variable, selector.get("key", ""), bool(selector.get("optional")))


def _consequence(reference: Identity, uses: Collection[_Use], *, is_kept: bool) -> str:
    if is_kept:
        return "was deleted; pods keep its values for now, and are replaced if it stays away"
    if not all(use.optional for use in uses):
        return "does not exist, so no new pod starts"
    lost = [use.variable for use in uses if use.variable and use.variable not in _UNUSED_KEYS]
    # The keys of models are optional by our own choice.
    return f"does not exist, so pods start without {listed(lost)}" if lost and _holds_keys(reference) else ""


def _path(gateway: Identity, uses: Collection[_Use]) -> Path:
    first = min(uses, key=lambda use: use.optional)
    if first.optional and _holds_keys(first.reference):
        return ("spec", "aiModels") if gateway.kind == AI_GATEWAY.kind else _GUARDS
    return ("spec", "env" if first.variable else "envFrom")


def _holds_keys(reference: Identity) -> bool:
    return (reference.kind, reference.name) == ("Secret", API_KEY_SECRET)
