"""Variables that name others: ``$(NAME)`` in ``spec.env``, and where Kubernetes leaves it as it is.

A kubelet puts in its place what ``envFrom`` and the variables before it gave; of the image's own variables it knows
nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway_components.api.pod import EnvVar
from gateway_components.api.syntax import shown
from gateway_components.errors import Finding
from gateway_components.plan.environment import MULTIPROC_VARIABLE
from gateway_components.plan.findings import WarningReason, plan_warning
from gateway_components.plan.variables import Variables

__all__ = ["expansion_warnings"]

_NAMED = re.compile(r"\$(?:\$|\(([^)]*)\))")
"""A reference, whose name is the group, or two dollar signs, which stand for one."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


def expansion_warnings(
    given: Iterable[EnvVar], env: Iterable[Mapping[str, Any]], variables: Variables
) -> Iterator[Finding]:
    """Yield a warning for each reference of a variable to another one that Kubernetes does not replace.

    Parameters
    ----------
    given
        ``spec.env``.
    env
        ``env`` of the container, in its order.
    variables
        What is known of these.
    """
    places = {variable.name: position for position, variable in enumerate(given)}
    ranks = {variable["name"]: rank for rank, variable in enumerate(env)}
    for rank, variable in enumerate(env):
        position = places.get(variable["name"])
        if position is None or variable["name"] == MULTIPROC_VARIABLE:
            continue
        for name in _names(variable.get("value") or ""):
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
                f"Kubernetes leaves {_quoted(name)} in the variable {shown(variable['name'])} as it is, since {why}",
                ("spec", "env", position, "value"),
                f"{cure}, or write $$ for $ where this very text is meant",
            )


def _names(text: str) -> Iterator[str]:
    yield from dict.fromkeys(match[1] for match in _NAMED.finditer(text) if match[1] is not None)


def _quoted(name: str) -> str:
    # What is no name may be a part of a password.
    return shown(f"$({name})") if _NAME.fullmatch(name) else "what stands in $()"
