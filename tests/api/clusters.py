"""Asks the API server about a manifest, under our CRDs and under the reference's."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from gateway_components.api.kinds import KINDS
from gateway_components.api.meta import GROUP, VERSION
from lab.control_plane import ControlPlane
from lab.errors import ApiError
from tests.api.case import Manifest

REFERENCE = Path(__file__).parent / "reference"
REFERENCE_GROUP = "reference.example.com"
PREFIX = "Reference"
REFUSALS = {400, 422}


def reference_crd(kind: str) -> Manifest:
    """Return the reference CRD of a kind, unchanged."""
    entry = KINDS[kind]
    crd: Manifest = yaml.safe_load((REFERENCE / f"{GROUP}_{entry.plural}.yaml").read_text(encoding="utf-8"))
    return crd


def renamed(crd: Mapping[str, Any]) -> Manifest:
    """Return a reference CRD under other names, so that it stands beside ours on one control plane."""
    copy: Manifest = deepcopy(dict(crd))
    spec = copy["spec"]
    names = spec["names"]
    spec["group"] = REFERENCE_GROUP
    spec["names"] = {
        "kind": f"{PREFIX}{names['kind']}",
        "listKind": f"{PREFIX}{names['listKind']}",
        "plural": f"{PREFIX.lower()}{names['plural']}",
        "singular": f"{PREFIX.lower()}{names['singular']}",
    }
    copy["metadata"] = {"name": f"{spec['names']['plural']}.{REFERENCE_GROUP}"}
    return copy


def collection(kind: str, *, reference: bool) -> str:
    """Return the path of the objects of a kind in the API, in the namespace default if in any."""
    entry = KINDS[kind]
    group = REFERENCE_GROUP if reference else GROUP
    plural = f"{PREFIX.lower()}{entry.plural}" if reference else entry.plural
    namespace = "/namespaces/default" if entry.namespaced else ""
    return f"/apis/{group}/{VERSION}{namespace}/{plural}"


def admitted(lab: ControlPlane, manifest: Manifest, *, reference: bool) -> Manifest | None:
    """Return what the API server makes of a new object as kubectl sends it, or nothing if it refuses.

    The answer has the API version and kind of `manifest` and no bookkeeping, so that answers compare.
    """
    kind = manifest["kind"]
    sent = dict(manifest)
    if reference:
        sent |= {"apiVersion": f"{REFERENCE_GROUP}/{VERSION}", "kind": f"{PREFIX}{kind}"}
    path = f"{collection(kind, reference=reference)}?dryRun=All&fieldValidation=Strict"
    try:
        answer = lab.api.create(path, sent)
    except ApiError as error:
        if error.status not in REFUSALS:
            raise
        return None
    metadata = answer["metadata"]
    kept = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    name = manifest["metadata"].get("name", "generated")
    return answer | {"apiVersion": manifest["apiVersion"], "kind": kind, "metadata": {"name": name, **kept}}
