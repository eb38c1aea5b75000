"""One edit after the other: through the daemon, and the same change by the bare engine."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.bare import Run, Runs, planned
from bench.client import Client, Raw
from bench.numbers import Samples
from bench.stage import Watches
from bench.subjects import (
    FOREIGN_CLASS,
    config_hash,
    create_namespace,
    gateway,
    gateway_path,
    holds_model,
    models,
    observed,
    ready,
    rolled_out,
)

_LIMIT_SECONDS = 60.0
_CALM_SECONDS = 0.3
"""Pause after each measurement, so that what it set off does not slow the next one down."""

_NAME = "subject"
_EDITED, _BARE, _NAIVE = "bench-edited", "bench-bare", "bench-naive"


@dataclass(frozen=True)
class Edits:
    """What the edits took.

    Attributes
    ----------
    to_config_map, to_status, to_ready
        From the moment an edit was acknowledged until its ConfigMap had changed, both conditions spoke of it,
        and it was Ready with new pods.
    bare, bare_to_config_map
        One run of the engine with the same change, from call to return, and until its ConfigMap had changed.
    bare_processor
        Processor time of such a run.
    naive
        The same as the tutorial of the Automation API has it.
    """

    to_config_map: Samples
    to_status: Samples
    to_ready: Samples
    bare: Samples
    bare_to_config_map: Samples
    bare_processor: Samples
    naive: Samples

    def ratios(self) -> dict[str, float]:
        """Return the medians of an edit in terms of the bare engine's."""
        return {
            "to_config_map": round(self.to_config_map.p50 / self.bare.p50, 2),
            "to_status": round(self.to_status.p50 / self.bare.p50, 2),
            "to_config_map_there": round(self.to_config_map.p50 / self.bare_to_config_map.p50, 2),
            "naive": round(self.naive.p50 / self.bare.p50, 2),
        }

    def as_json(self) -> dict[str, Any]:
        """Return everything."""
        times = {name: value.as_json() for name, value in vars(self).items()}
        return {**times, "in_bare_runs": self.ratios()}


def measure_edits(
    client: Client,
    watches: Watches,
    engines: tuple[Runs, Runs],
    counts: tuple[int, int],
    progress: Callable[[str], None],
) -> Edits:
    """Measure edits by the daemon and the bare engine in turn, so that noise meets both; then naive runs.

    The cluster of `client` and `watches` has workloads. `engines` are the bare and the naive one, `counts` the numbers
    of edits and of naive runs.
    """
    bare, naive = engines
    edits, naives = counts
    create_namespace(client, _EDITED)
    watches.forget()
    created, _ = client.create(gateway_path(_EDITED), gateway(_EDITED, _NAME, "first"))
    watches.gateways.wait(
        [(_EDITED, _NAME)], ready("Ready", created["metadata"]["generation"]), _LIMIT_SECONDS
    )
    bare_subject, naive_subject = _subject(client, _BARE), _subject(client, _NAIVE)
    _run(watches, bare, bare_subject, "first")  # creates the stack, which later runs find
    _run(watches, naive, naive_subject, "first")
    ours, theirs = [], []
    for number in range(edits):
        ours.append(_edit(client, watches, f"model-{number}"))
        theirs.append(_run(watches, bare, bare_subject, f"model-{number}"))
        progress(
            f"edit {number + 1} of {edits}: ConfigMap after {ours[-1][0]:.2f} s, status after "
            f"{ours[-1][1]:.2f} s; bare engine run {theirs[-1][0].seconds:.2f} s"
        )
    tutorial = []
    for number in range(naives):
        tutorial.append(_run(watches, naive, naive_subject, f"model-{number}")[0].seconds)
        progress(f"naive run {number + 1} of {naives}: {tutorial[-1]:.2f} s")
    to_config_map, to_status, to_ready = (Samples(times) for times in zip(*ours, strict=True))
    return Edits(
        to_config_map,
        to_status,
        to_ready,
        bare=Samples([run.seconds for run, _ in theirs]),
        bare_to_config_map=Samples([at_config for _, at_config in theirs]),
        bare_processor=Samples([run.processor for run, _ in theirs]),
        naive=Samples(tutorial),
    )


def edit_times(client: Client, watches: Watches, name: tuple[str, str], models_: list[str]) -> Samples:
    """Give a gateway one model after the other; return how long each took to reach its ConfigMap.

    Raises LabError: one did not within a minute.
    """
    return Samples([_to_config_map(client, watches, name, model)[0] for model in models_])


def _subject(client: Client, namespace: str) -> Raw:
    # It owns the objects, so it must exist; the daemon leaves a gateway of a foreign class alone.
    create_namespace(client, namespace)
    return client.create(gateway_path(namespace), gateway(namespace, _NAME, "first", FOREIGN_CLASS))[0]


def _to_config_map(
    client: Client, watches: Watches, name: tuple[str, str], model: str
) -> tuple[float, float, int]:
    """Return how long an edit took, when it was acknowledged, and the generation it made."""
    watches.forget()
    changed, acknowledged = client.merge_patch(gateway_path(*name), {"spec": models(model)})
    generation = changed["metadata"]["generation"]
    config = name[0], f"{name[1]}-config"
    at_config = watches.config_maps.wait([config], holds_model(model), _LIMIT_SECONDS)[config]
    # Until its status is written the reconcile goes on, and the next edit would wait for that.
    watches.gateways.wait([name], ready("Configured", generation), _LIMIT_SECONDS)
    return at_config - acknowledged, acknowledged, generation


def _edit(client: Client, watches: Watches, model: str) -> tuple[float, float, float]:
    name = _EDITED, _NAME
    to_config, acknowledged, generation = _to_config_map(client, watches, name, model)
    at_status = watches.gateways.wait([name], observed(generation), _LIMIT_SECONDS)[name]
    at_ready = watches.gateways.wait([name], ready("Ready", generation), _LIMIT_SECONDS)[name]
    time.sleep(_CALM_SECONDS)
    return to_config, at_status - acknowledged, at_ready - acknowledged


def _run(watches: Watches, engine: Runs, subject: Raw, model: str) -> tuple[Run, float]:
    watches.forget()
    wanted = planned([subject], model)
    run = engine.apply(wanted)
    namespace = subject["metadata"]["namespace"]
    name, config = (namespace, _NAME), (namespace, f"{_NAME}-config")
    at_config = watches.config_maps.wait([config], holds_model(model), _LIMIT_SECONDS)[config]
    (objects,) = wanted.values()
    watches.deployments.wait([name], rolled_out(config_hash(dict(objects.deployment))), _LIMIT_SECONDS)
    time.sleep(_CALM_SECONDS)
    return run, at_config - run.began
