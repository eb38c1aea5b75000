"""The config patch: a partial LiteLLM configuration merged onto the generated one (RFC 7396)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway_components import strict_yaml
from gateway_components.errors import Finding, InText, Path, YamlError, clause, dotted, listed
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason, WarningReason, plan_warning
from gateway_components.plan.guardrails import Guardrail
from gateway_components.plan.litellm_schema import refused_values, unknown_keys
from gateway_components.plan.references import PATCH_PATH
from gateway_components.plan.snapshot import Content
from gateway_components.plan.variables import REFERENCE, block

_NAME = re.compile(
    r"(?:^|[_. -])(?:access_key|api_keys?|apikey|auth_value|authorization|client_secret|connection_string|credentials|"
    r"encryption_key|license|master_key|passphrase|passwd|passwords?|private_key|pwd|salt_key|secret_key|secrets?|"
    r"signing_key|subscription_key|token|webhook_url)$"
)
"""What the name of a field ends in that holds a credential, in lower case and with underscores."""
_NO_CREDENTIAL = re.compile(r"(?:^|_)(?:bos|eos|pad|sep|stop|unk)_token$")
_NUMBERS = re.compile(r"(?:api_?key|master_key|passwd|password)$")
"""Of these names a number is a credential as well."""
_PLACEHOLDERS = frozenset(
    (
        "anything",
        "dummy",
        "empty",
        "fake",
        "fake-key",
        "n/a",
        "na",
        "no-key",
        "none",
        "not-needed",
        "null",
        "unused",
    )
)
_SHAPES = re.compile(
    r"://[^/\s:@]{0,128}:[^/\s@]{1,256}@"  # a password in a URL
    r"|-----BEGIN [A-Z ]{0,32}PRIVATE KEY"
    r"|\b(?:Bearer|Basic) [\w.~+/=-]{8}|\bbearer (?=\D{0,64}\d)[\w.~+/=-]{8}"
    # a query, an option of a program, a list of headers, a connection string
    r"|(?:[aA][pP][iI][-_]?[kK][eE][yY]|token|TOKEN|secret|SECRET|password|(?<![a-z])sig)=[^&\s,;\"']{6}"
    r"|\b(?:AccountKey|SharedAccessKey|Password)=[^\s;]{4}"
    r"|//hooks\.slack\.com/services/\w|//discord(?:app)?\.com/api/webhooks/\w"
    r"|\b(?:sk|rk)-[\w-]{16}|\bAKIA[0-9A-Z]{16}|\bAIza[\w-]{30}"
    r"|\bgh[pousr]_\w{20}|\bglpat-[\w-]{16}|\bhf_\w{20}|\bxox[abeprs]-\w{8}|\beyJ[\w-]{10,200}\.eyJ"
)
_OPTION = re.compile(r"--?[\w-]{0,32}(?:api[-_]?key|token|secret|password)")
"""An option of a program that takes a credential, which is the next item of the list."""
_LOOKED_AT = 4096
"""Characters of a text that are searched."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain_credentials(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the way to each credential in `value`: by the name of its field, or by its own shape.

    What names a variable is none, nor is what stands for a key where a service checks none.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from plain_credentials(item, (*path, str(key)))
    elif isinstance(value, list):
        option = ""
        for position, item in enumerate(value):
            if _OPTION.fullmatch(option) and _is_credential(item, "token"):
                yield (*path, position)
            else:
                yield from plain_credentials(item, (*path, position))
            option = item[:_LOOKED_AT] if isinstance(item, str) else ""
    elif _is_credential(value, _field(path)):
        yield path


def _is_credential(value: Any, field: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(_NUMBERS.search(field))
    if not isinstance(value, str):
        return False
    text = value[:_LOOKED_AT].strip()
    if not text or REFERENCE in text or text.startswith(("oidc/", "/")) or text.lower() in _PLACEHOLDERS:
        return False
    by_name = _NAME.search(field) and not _NO_CREDENTIAL.search(field)
    return bool(by_name or _SHAPES.search(text))


def _field(path: Path) -> str:
    """Return the name of the field at `path`, which for an item of a list is that of the list."""
    name = next((step for step in reversed(path) if isinstance(step, str)), "")
    return _CAMEL.sub("_", name[-64:]).lower().replace("-", "_")


PATCH_KEY = "patch.yaml"
_SWITCHES: tuple[tuple[tuple[str, str], str | None, str], ...] = (
    (
        ("litellm_settings", "skip_system_message_in_guardrail"),
        None,
        "hides system messages from all guards",
    ),
    (
        ("environment_variables", "AWS_BEDROCK_RUNTIME_ENDPOINT"),
        "bedrock",
        "sends the requests of Bedrock guards to another address",
    ),
)
"""Settings beside the list of guardrails, the kind of guardrail that each is about, and what it does."""


def read_patch(reference: Identity, content: Content | None) -> dict[str, Any]:
    """Return the patch that a ConfigMap holds; empty where its text is.

    Raises Failure ``ConfigPatchInvalid``: ConfigMap or key is missing, the YAML is invalid or not a map, or a key is
    duplicate.
    """
    if content is None:
        raise _invalid(
            reference,
            f'configmap "{reference.name}" not found',
            f"create it with a key {PATCH_KEY}, or remove the annotation",
        )
    if PATCH_KEY not in content.data:
        found = listed(sorted(content.data if content.keys is None else content.keys))
        raise _invalid(
            reference,
            f'configmap "{reference.name}" has no key "{PATCH_KEY}", its keys: {found}',
            "put the patch under it",
        )
    title = patch_title(reference.name)
    try:
        patch = strict_yaml.parse(content.data[PATCH_KEY])
    except YamlError as error:
        place = InText(title, line=error.line)
        raise _invalid(reference, str(error), "correct the YAML", place) from None
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        found = "a list" if isinstance(patch, list) else "a single value"
        raise _invalid(
            reference,
            f"{title} holds {found}, not a map",
            "write top-level keys of a LiteLLM config, such as router_settings",
        )
    return patch


def merge(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return `target` with `patch` merged in after RFC 7396.

    Maps merge key by key, anything else replaces, null deletes. Keys of `target` keep their place, new ones
    follow in the order of `patch`.
    """
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def guard_warnings(name: str, asked: Sequence[Guardrail], patched: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a warning for guards that were `asked` for and that a patch takes away, or changes.

    `name` is that of the ConfigMap with the patch, `patched` the configuration after it; so in all functions here.
    """
    left = _entries(patched)
    removed = [one for one in asked if one.name not in left]
    if removed:
        guards = listed([str(one.guard) for one in removed])
        yield _warning(
            WarningReason.GUARD_REMOVED,
            name,
            f"removes guards that spec.guardrails asks for, so they block nothing: {guards}",
            "list them in the patch as well, or remove them from spec.guardrails",
            ("guardrails",),
        )
    for one in asked:
        differences = sorted(
            {key for entry in left.get(one.name, ()) for key in _differences(one.params, entry)}
        )
        if differences:
            yield _warning(
                WarningReason.GUARD_CHANGED,
                name,
                f'changes the guardrail "{one.name}" of {one.guard}: {listed(differences)}',
                "repeat the settings of the Guard there, or change the Guard instead",
                ("guardrails",),
            )
    yield from _switches(name, asked, patched)


def patch_warnings(name: str, patch: Mapping[str, Any], patched: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a warning for each credential in a patch, and each key that LiteLLM does not know."""
    for path in plain_credentials(patch):
        yield _warning(
            WarningReason.PLAIN_CREDENTIAL,
            name,
            f"{dotted(path)} holds a credential, which anyone who can read ConfigMaps can see",
            f"put it into a Secret, let a variable in spec.env take it from there, and write {REFERENCE}NAME here",
            path,
        )
    for unknown in unknown_keys(patched):
        message = f"{dotted(unknown.path)} {unknown.message}"
        yield _warning(WarningReason.CONFIG_KEY_UNKNOWN, name, message, clause(unknown.cure), unknown.path)


def value_warnings(name: str, patched: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a warning for each value that LiteLLM does not take, and mostly does not start with."""
    for refused in refused_values(patched):
        message = f"{dotted(refused.path)} {refused.message}"
        yield _warning(WarningReason.CONFIG_VALUE_UNKNOWN, name, message, refused.cure, refused.path)


def _entries(config: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    ids: set[str] = set()
    entries = config.get("guardrails")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, Mapping):
            continue
        # Of equal identifiers LiteLLM loads the first alone.
        id_ = entry.get("guardrail_id")
        if id_ and str(id_) in ids:
            continue
        ids.add(str(id_))
        params = entry.get("litellm_params")
        found.setdefault(str(entry.get("guardrail_name")), []).append(
            params if isinstance(params, Mapping) else {}
        )
    return found


def _differences(asked: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parameters of `entry` that are not as `asked`; further modes take nothing away."""
    for key in {**asked, **entry}:
        if key == "mode":
            mode = entry.get(key)
            modes = mode if isinstance(mode, list) else [mode]
            if all(one in modes for one in asked[key]):
                continue
        elif key in asked and key in entry and asked[key] == entry[key]:
            continue
        yield f"litellm_params.{key}"


def _switches(name: str, asked: Sequence[Guardrail], patched: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield a warning for each setting elsewhere that changes what guards see, or whom they ask."""
    kinds = {one.params["guardrail"] for one in asked}
    for path, kind, effect in _SWITCHES:
        value = block(patched, path[0]).get(path[1])
        if value and asked and (kind is None or kind in kinds):
            yield _warning(
                WarningReason.GUARD_CHANGED,
                name,
                f"{dotted(path)} {effect}",
                "remove it from the patch",
                path,
            )


def _warning(reason: WarningReason, name: str, message: str, cure: str, path: Path) -> Finding:
    return plan_warning(reason, message, PATCH_PATH, cure, inside=InText(patch_title(name), path))


def _invalid(reference: Identity, message: str, cure: str, inside: InText | None = None) -> Failure:
    return Failure(
        Reason.CONFIG_PATCH_INVALID, message, path=PATCH_PATH, cure=cure, related=(reference,), inside=inside
    )


def patch_title(name: str) -> str:
    """Return what messages call the config patch in the ConfigMap `name`."""
    return f'configmap "{name}" key "{PATCH_KEY}"'
