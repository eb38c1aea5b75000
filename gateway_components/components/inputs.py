"""Arguments of any shape as plain JSON types, or as Outputs of them; and their mistakes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from enum import Enum
from inspect import isawaitable
from typing import Any, ClassVar, Protocol, TypeVar

import pulumi
from pydantic.alias_generators import to_camel

from gateway_components.api.spelling import nearest
from gateway_components.errors import Finding, InputError, Path, render


class ArgsError(InputError, pulumi.RunError):
    """Everything that is wrong with the arguments of a component, given its type and name.

    A `pulumi.RunError`, for which the engine prints this text alone, without a traceback; wherever it is raised.
    """

    def __init__(self, component: str, *findings: Finding) -> None:
        super().__init__(*findings)
        self.component = component

    def __str__(self) -> str:
        """Return one line per problem, each naming the component."""
        return "\n".join(
            f"{self.component}: {render(finding, field_first=True)}" for finding in self.findings
        )


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a component, which is given by its type and name; all of its arguments where the path is empty."""

    component: str
    path: Path = ()

    def __getitem__(self, step: str | int) -> "Argument":
        """Return an argument or an entry within this one."""
        return replace(self, path=(*self.path, step))

    def fault(self, message: str, cure: str) -> ArgsError:
        """Return the error that something is wrong with it."""
        return ArgsError(self.component, Finding(self.path, message, cure))


def plain(value: Any) -> Any:
    """Return `value` with every args class in it turned into a camelCase map.

    Fields of an args class that are None are left out; keys become text, as in JSON. The result is an Output only where
    `value` is or holds one, so that mistakes in known values show at once.
    """
    if _is_late(value):
        return resolved(value, plain)
    if isinstance(value, Enum):
        return value.value
    if not isinstance(value, type) and (is_dataclass(value) or _is_sdk_args(value)):
        value = {to_camel(key): part for key, part in vars(value).items() if part is not None}
    if isinstance(value, Mapping):
        return combined({_text(key): plain(part) for key, part in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        parts = [plain(part) for part in value]
        return pulumi.Output.all(*parts) if any(map(_is_output, parts)) else parts
    return value


def resolved(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return what `function` makes of `value`: at once where it is known, else as an Output."""
    return pulumi.Output.from_input(value).apply(function) if _is_late(value) else function(value)


def combined(parts: Mapping[str, Any]) -> Any:
    """Return `parts` as a dict, or as one Output of a dict where a value is an Output."""
    if not any(map(_is_output, parts.values())):
        return dict(parts)
    keys = tuple(parts)
    return pulumi.Output.all(*parts.values()).apply(lambda values: dict(zip(keys, values, strict=True)))


def camel_keys(value: Any) -> Any:
    """Return `value` with the keys of all its maps in camelCase, for maps that know only fields.

    Pulumi's own resources take ``value_from`` and ``valueFrom`` in maps alike.
    """
    if isinstance(value, Mapping):
        return {to_camel(str(key)): camel_keys(part) for key, part in value.items()}
    return [camel_keys(part) for part in value] if isinstance(value, list) else value


def _text(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _is_late(value: Any) -> bool:
    return _is_output(value) or isawaitable(value)


def _is_output(value: Any) -> bool:
    return isinstance(value, pulumi.Output)


def _is_sdk_args(value: Any) -> bool:
    """Return whether a value is of an args class of Pulumi's SDKs, as far as their public API says so."""
    if isinstance(value, Mapping | pulumi.Resource):
        return False
    try:
        pulumi.get(value, "unknown")
    except AssertionError:
        return False
    return True


class Args(Protocol):
    """An instance of an args class, which is a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


A = TypeVar("A", bound=Args)


def args_as(at: Argument, type_: type[A], value: Any) -> A:
    """Return `value`, an instance of an args class or a map that is given for an argument, as the args class.

    Raises ArgsError: it is something else, lacks an argument or holds one that there is not.
    """
    if isinstance(value, type_):
        return value
    if not isinstance(value, Mapping):
        verb = "is" if at.path else "the arguments are"
        raise at.fault(f"{verb} {_a(type(value))}", f"give {one_of(type_)}")
    known = {field.name: field for field in fields(type_)}
    required = {
        name for name, field in known.items() if field.default is MISSING and field.default_factory is MISSING
    }
    found = [
        Finding((*at.path, str(name)), "is no argument", _cure(str(name), known))
        for name in value
        if name not in known
    ]
    found += [
        Finding((*at.path, name), "is required but missing", "add it")
        for name in known
        if name in required and name not in value
    ]
    if found:
        raise ArgsError(at.component, *found)
    return type_(**value)


def one_of(*types: type) -> str:
    """Return how a message asks for one of some args classes: ``an AiGatewayArgs or a map``."""
    return f"{', '.join(map(_a, types))} or a map"


def _a(type_: type) -> str:
    return f"{'an' if type_.__name__[0] in 'AEIOUaeiou' else 'a'} {type_.__name__}"


def _cure(name: str, known: Mapping[str, object]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"


def public(at: Argument, value: Any) -> Any:
    """Return `value`, which is given for an argument and is to stand in a ConfigMap.

    Raises ArgsError, inside the Output: it is or holds a secret. That is seen in a preview already, known value or not.
    """
    if not isinstance(value, pulumi.Output):
        return value

    def check(secret: bool) -> None:
        if secret:
            raise at.fault(
                "holds a secret, which anyone who can read ConfigMaps would see",
                "put it into a Secret, hand it to the gateway as a variable with env, and write os.environ/NAME "
                "in config_patch; if it is not a secret, wrap it in pulumi.Output.unsecret",
            )

    secret: pulumi.Output[bool] = pulumi.Output.from_input(value.is_secret())
    checked = secret.apply(check)
    return pulumi.Output.all(value, checked).apply(lambda parts: parts[0])
