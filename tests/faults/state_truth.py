"""What must hold of the engine's state, which is kept in Secrets of the namespaces."""

import base64
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from gateway_components.components.naming import gateway_of
from gateway_components.engine.checkpoint import applied_gateways, read_checkpoint
from gateway_components.engine.errors import StateUnreadableError
from gateway_components.identity import Identity
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import STATE_SECRET
from gateway_components.plan.plan import GatewayPlan, Plan
from lab import ControlPlane

Raw = Mapping[str, Any]


def untrue_states(
    lab: ControlPlane, planned: Plan, namespaces: Collection[str], refused: Collection[str]
) -> Iterator[str]:
    """Yield what the state of some namespaces holds and should not, and what it lacks."""
    for namespace in namespaces:
        gateways = {key: gateway for key, gateway in planned.gateways.items() if key.namespace == namespace}
        for said in _state(lab, namespace, gateways, refused):
            yield f"the state of {namespace}: {said}"


def noted_runs(lab: ControlPlane, namespaces: Collection[str]) -> Iterator[str]:
    """Yield what the states of some namespaces say of runs under way, which is read faster than all else."""
    for namespace in namespaces:
        head = lab.api.get(f"{SECRETS.collection(namespace)}/{STATE_SECRET}")
        if head and (doubts := json.loads(_data(head).get("doubts", b"[]"))) != []:
            yield f"the state of {namespace}: it doubts {doubts}"


def _state(
    lab: ControlPlane, namespace: str, gateways: Mapping[Identity, GatewayPlan], refused: Collection[str]
) -> Iterator[str]:
    secrets = lab.api.get(SECRETS.collection(namespace)) or {"items": []}
    ours = {raw["metadata"]["name"]: raw for raw in secrets["items"]}
    ours = {name: raw for name, raw in ours.items() if name.startswith(STATE_SECRET)}
    if STATE_SECRET not in ours:
        if ours:
            yield f"parts without a head: {sorted(ours)}"
        if any(gateway.objects and key.name not in refused for key, gateway in gateways.items()):
            yield "there is none"
        return
    data = _data(ours.pop(STATE_SECRET))
    if not gateways:
        yield "it is still there, and no gateway is"
    if (doubts := json.loads(data["doubts"])) != []:
        yield f"it doubts {doubts}"
    parts = json.loads(data.get("parts", b"[]"))
    if sorted(ours) != sorted(parts):
        yield f"its parts are {sorted(ours)} and not {sorted(parts)}"
    elif "sha256" not in data:
        yield "it has no content"
    else:
        contents = [data["checkpoint"], *(_data(ours[name])["checkpoint"] for name in parts)]
        if _digest(contents) != data["sha256"].decode():
            yield "its checksum is wrong"
        else:
            try:
                yield from _content(_unpacked(b"".join(contents)), gateways, refused)
            except (StateUnreadableError, zlib.error) as error:
                yield f"it cannot be read: {error}"


def _digest(contents: Sequence[bytes]) -> str:
    digests = [hashlib.sha256(content) for content in contents]
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(one.digest() for one in digests))
    return whole.hexdigest()


def _unpacked(packed: bytes) -> bytes:
    """Decompress pieces one after the other."""
    found = b""
    while packed:
        decompressor = zlib.decompressobj()
        found += decompressor.decompress(packed) + decompressor.flush()
        packed = decompressor.unused_data
    return found


def _content(
    checkpoint: bytes, gateways: Mapping[Identity, GatewayPlan], refused: Collection[str]
) -> Iterator[str]:
    if b'"pending_operations":[{' in checkpoint.replace(b" ", b""):
        yield "an operation is pending"
    deployment = read_checkpoint(checkpoint)
    resources = deployment.get("resources") or []
    yield from (f"{urn} is there {number} times" for urn, number in _urns(resources).items() if number > 1)
    yield from (f"{one['urn']} waits for its deletion" for one in resources if one.get("delete"))
    held = applied_gateways(deployment)
    yield from (f"it holds {key}, which is not ours" for key in held.keys() - gateways.keys())
    for key, gateway in gateways.items():
        if gateway.objects is None or key.name in refused:
            continue
        applied = held.get(key)
        if applied is None:
            yield f"it does not hold {key}"
        elif (applied.uid, applied.digest) != (gateway.uid, gateway.objects.digest):
            yield f"it holds another {key} than the planned one"
        kinds = sorted(
            one["type"] for one in resources if one.get("custom") and gateway_of(one["urn"]) == key
        )
        if len(kinds) != len(gateway.objects.manifests):
            yield f"of {key} it holds {kinds}"


def _urns(resources: Collection[Raw]) -> Counter[str]:
    return Counter(resource["urn"] for resource in resources)


def _data(secret: Raw) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}
