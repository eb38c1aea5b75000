"""One edit among few and many gateways of its namespace: what it takes, and what it writes."""

import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

from bench.client import Client, Raw
from bench.crowds import measure_crowd
from bench.numbers import Samples
from bench.processor import ProcessorMeter, ProcessorSeconds
from bench.stage import Stage
from bench.subjects import gateway_path, holds_model, models, observed
from bench.usage import wait_until_calm
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import STATE_LABELS

_LIMIT_SECONDS = 60.0
_CALM_SECONDS = 0.3
_SELECTOR = ",".join(f"{name}={value}" for name, value in STATE_LABELS.items())


@dataclass(frozen=True)
class _Edit:
    to_config_map: float
    to_status: float
    written_bytes: int
    processor: ProcessorSeconds


def measure_among(stage: Stage, counts: tuple[int, ...], edits: int) -> dict[str, Any]:
    """Measure edits of one gateway in namespaces of different sizes, in turn, so that noise meets all.

    The `stage` is a fresh one, without workloads; `counts` are numbers of gateways, and each namespace has so many
    `edits`.
    """
    crowds = {}
    for count in counts:
        crowds[count] = measure_crowd(stage, f"bench-among-{count}", count, 1, workloads=False)
        wait_until_calm(stage.daemon)
    taken: dict[int, list[_Edit]] = {count: [] for count in counts}
    for number in range(edits):
        for count in counts:
            taken[count].append(_edit(stage, f"bench-among-{count}-00", count // 2, f"model-{number}"))
            time.sleep(_CALM_SECONDS)
    return {
        "steps": [
            {
                "gateways": count,
                "crowd": asdict(crowds[count]),
                "to_config_map": Samples([edit.to_config_map for edit in made]).as_json(),
                "to_status": Samples([edit.to_status for edit in made]).as_json(),
                "written_kib": round(statistics.median(edit.written_bytes for edit in made) / 1024, 1),
                "processor": {
                    whose: round(statistics.median(getattr(edit.processor, whose) for edit in made), 3)
                    for whose in ("daemon", "engine", "control_plane")
                },
            }
            for count, made in taken.items()
        ]
    }


def _edit(stage: Stage, namespace: str, number: int, model: str) -> _Edit:
    client, watches = stage.client, stage.watches
    name = namespace, f"gateway-{number:04}"
    before = stored_states(client, namespace)
    watches.forget()
    meter = ProcessorMeter(stage.daemon)
    used = meter.read()
    changed, acknowledged = client.merge_patch(gateway_path(*name), {"spec": models(model)})
    config = namespace, f"{name[1]}-config"
    at_config = watches.config_maps.wait([config], holds_model(model), _LIMIT_SECONDS)[config]
    reported = observed(changed["metadata"]["generation"])
    at_status = watches.gateways.wait([name], reported, _LIMIT_SECONDS)[name]
    wait_until_calm(stage.daemon)
    return _Edit(
        at_config - acknowledged,
        at_status - acknowledged,
        sum(size for version, size in stored_states(client, namespace).items() if version not in before),
        meter.read() - used,
    )


def stored_states(client: Client, namespace: str | None = None) -> dict[str, int]:
    """Return the bytes of each Secret that holds states, in a namespace or in all, by its version."""
    found: Raw = client.get(f"{SECRETS.collection(namespace)}?labelSelector={_SELECTOR}")
    return {
        one["metadata"]["resourceVersion"]: sum(map(len, (one.get("data") or {}).values()))
        for one in found["items"]
    }
