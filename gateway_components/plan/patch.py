"""The config patch: a partial LiteLLM configuration merged onto the generated one (RFC 7396)."""

from collections.abc import Mapping
from typing import Any

from gateway_components import documents
from gateway_components.crds.problem import dotted
from gateway_components.errors import YamlError
from gateway_components.plan.failure import Failure, PlanWarning, Reason, WarningReason, clause
from gateway_components.plan.litellm_schema import unknown_keys
from gateway_components.plan.references import PATCH_ANNOTATION
from gateway_components.plan.snapshot import Content

__all__ = ["PATCH_KEY", "merge", "patch_warnings", "read_patch"]

PATCH_KEY = "patch.yaml"
_FIELD = f"metadata.annotations[{PATCH_ANNOTATION}]"


def read_patch(name: str, content: Content | None) -> dict[str, Any]:
    """Return the patch that the ConfigMap `name` holds; empty where its text is.

    Parameters
    ----------
    name
        Name of the ConfigMap, for the message.
    content
        Its content; None where there is no such ConfigMap.

    Raises
    ------
    Failure
        ``ConfigPatchInvalid``: ConfigMap or key is missing, or the text is no YAML, no map or repeats a key.
    """
    if content is None:
        raise _invalid(
            f'configmap "{name}" not found', f"create it with a key {PATCH_KEY}, or remove the annotation"
        )
    if PATCH_KEY not in content.data:
        found = ", ".join(sorted(content.data)) or "none"
        raise _invalid(
            f'configmap "{name}" has no key "{PATCH_KEY}", its keys: {found}', "put the patch under it"
        )
    try:
        patch = documents.parse(content.data[PATCH_KEY])
    except YamlError as error:
        raise _invalid(f'configmap "{name}" key "{PATCH_KEY}": {error}', "correct the YAML") from None
    if patch is None:
        return {}
    if not isinstance(patch, dict):
        found = "a list" if isinstance(patch, list) else "a single value"
        raise _invalid(
            f'configmap "{name}" key "{PATCH_KEY}" holds {found}, not a map',
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


def patch_warnings(name: str, patched: Mapping[str, Any]) -> tuple[PlanWarning, ...]:
    """Return a warning for each key of a patched configuration that LiteLLM does not know.

    Parameters
    ----------
    name
        Name of the ConfigMap with the patch.
    patched
        The configuration after the patch.
    """
    return tuple(
        PlanWarning(
            WarningReason.CONFIG_KEY_UNKNOWN,
            f'configmap "{name}" key "{PATCH_KEY}": {dotted(unknown.path)} {unknown.message}',
            _FIELD,
            clause(unknown.cure),
        )
        for unknown in unknown_keys(patched)
    )


def _invalid(message: str, cure: str) -> Failure:
    return Failure(Reason.CONFIG_PATCH_INVALID, message, field=_FIELD, cure=cure)
