"""Keeps secrets out of ConfigMaps."""

from typing import Any

import pulumi

from gateway_components.components.errors import ArgsError
from gateway_components.errors import Problem

__all__ = ["public"]


def public(component: str, argument: str, value: Any) -> Any:
    """Return `value`, which is to stand in a ConfigMap.

    Raises
    ------
    ArgsError
        Inside the Output: it is or holds a secret. That is seen in a preview already, known value or not.
    """
    if not isinstance(value, pulumi.Output):
        return value

    def check(secret: bool) -> None:
        if secret:
            message = "holds a secret, which would stand in a ConfigMap for many to read"
            cure = (
                "put it into a Secret, hand it to the gateway as a variable with env, and write os.environ/NAME "
                "in config_patch; if it is no secret, wrap it in pulumi.Output.unsecret"
            )
            raise ArgsError(component, Problem(argument, message, cure))

    secret: pulumi.Output[bool] = pulumi.Output.from_input(value.is_secret())
    checked = secret.apply(check)
    return pulumi.Output.all(value, checked).apply(lambda parts: parts[0])
