"""What the table says of gateways in every state, at the width of an old terminal."""

import io
from typing import Any

import pytest
from rich.console import Console

from demo.gateways import gateway_row
from demo.table import gateway_table

LONG = 'configmap "x" not found; create it with a key patch.yaml, or remove the annotation from the gateway'


def gateway(*conditions: dict[str, Any], generation: int = 1, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "chat",
            "namespace": "default",
            "generation": generation,
            "creationTimestamp": "2020-01-01T00:00:00Z",
            **metadata,
        },
        "spec": {
            "aiGatewayClassName": "litellm",
            "port": 4000,
            "aiModels": [{"name": "gpt-4o", "provider": "openai"}, {"name": "o3", "provider": "openai"}],
        },
        "status": {"conditions": list(conditions)},
    }


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, Any]:
    return {
        "type": f"AiGateway{kind}",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 1,
    }


CONFIGURED = condition("Configured", "True", "ConfigurationApplied")
READY = condition("Ready", "True", "AiGatewayReady", "1 replica is available")
ROLLING = condition("Ready", "False", "DeploymentRollingOut", "0 of 1 replicas are available")
REFUSED = condition("Configured", "False", "ConfigPatchInvalid", LONG)
REFUSED_READY = condition("Ready", "False", "ConfigPatchInvalid", LONG)


def rendered(raw: dict[str, Any]) -> str:
    output = io.StringIO()
    Console(file=output, width=80).print(gateway_table([gateway_row(raw)]))
    assert all(len(line) <= 80 for line in output.getvalue().splitlines())
    return " ".join(output.getvalue().split())


@pytest.mark.parametrize(
    ("raw", "cells", "detail"),
    [
        (gateway(), "litellm gpt-4o +1 … …", "the daemon has not come to it yet"),
        (gateway(CONFIGURED, READY), "True True", "http://chat.default.svc.cluster.local:4000"),
        (
            gateway(CONFIGURED, ROLLING),
            "True False",
            "DeploymentRollingOut: 0 of 1 replicas are available",
        ),
        (gateway(REFUSED, REFUSED_READY), "False False", f"ConfigPatchInvalid: {LONG}"),
        # What was said of an older generation no longer counts.
        (gateway(CONFIGURED, READY, generation=2), "… …", "the daemon has not come to it yet"),
        (gateway(CONFIGURED, READY, namespace="team"), "team/chat litellm", "http://chat.team.svc"),
    ],
)
def test_states(raw: dict[str, Any], cells: str, detail: str) -> None:
    text = rendered(raw)
    assert cells in text
    assert detail in text
