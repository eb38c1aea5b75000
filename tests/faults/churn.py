"""Edits of all sorts, one after the other, as long as a fault lasts."""

import random
import threading
from http.client import HTTPException
from typing import Self

from lab import KubectlError, wait_until
from lab.errors import ApiError
from tests.daemon.harness import PATCH_ANNOTATION, Namespace
from tests.daemon.manifests import (
    config_map,
    gateway,
    guard,
    provider,
    secret,
    tool_gateway,
    tool_route,
    tool_server,
)

_GATEWAYS = 4
_TOOL_GATEWAYS = ("tools-0", "tools-1")


class Churn(threading.Thread):
    """Creates, edits and deletes gateways and what they refer to, until the end of a ``with`` block.

    Attributes
    ----------
    edits
        How many there were so far. Those that the API server did not take count too.
    """

    def __init__(self, place: Namespace, seed: int = 7) -> None:
        super().__init__(daemon=True)
        self.edits = 0
        self._place = place
        self._random = random.Random(seed)
        self._stop_asked = threading.Event()

    def wait_for(self, edits: int) -> None:
        """Wait until so many more edits were made."""
        goal = self.edits + edits
        wait_until(lambda: self.edits >= goal, timeout=120, what=f"{edits} edits")

    def run(self) -> None:
        """Edit until told to stop."""
        self._place.apply(
            *(gateway(f"churned-{number}") for number in range(_GATEWAYS)),
            *(tool_gateway(name) for name in _TOOL_GATEWAYS),
            provider("presidio"),
            guard("pii", "presidio"),
            tool_server("calculator"),
            tool_route("mover", _TOOL_GATEWAYS[0], server="calculator"),
        )
        while not self._stop_asked.is_set():
            try:
                self._edit()
            except (ApiError, KubectlError, OSError, HTTPException):
                # The API server is away, or the object is.
                self._stop_asked.wait(0.1)
            self.edits += 1

    def _edit(self) -> None:
        place, number = self._place, self.edits
        name = f"churned-{self._random.randrange(_GATEWAYS)}"
        match self._random.randrange(10):
            case 0:
                place.kubectl("delete", "aigateway", name, "--ignore-not-found", "--wait=false")
            case 1:
                place.kubectl("delete", "deployment,service", name, "--ignore-not-found", "--wait=false")
            case 2:
                route = tool_route("mover", self._random.choice(_TOOL_GATEWAYS), server="calculator")
                place.apply(route, tool_server("calculator", port=8000 + number))
            case 3:
                place.apply(secret("api-key-secrets", OPENAI_API_KEY=f"key-{number}"))
            case 4:
                place.apply(guard("pii", "presidio", self._random.choice(("pre_call", "post_call"))))
                place.apply(gateway(name, f"model-{number}", guardrails=[{"name": "pii"}]))
            case 5:
                patch = config_map(
                    "patch", patch_yaml=f"litellm_settings:\n  request_timeout: {number + 1}\n"
                )
                place.apply(patch, gateway(name, annotations={PATCH_ANNOTATION: "patch"}))
            case _:
                place.apply(gateway(name, f"model-{number}"))

    def __enter__(self) -> Self:
        self.start()
        wait_until(lambda: self.edits, timeout=60, what="the first edit")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_asked.set()
        self.join()
