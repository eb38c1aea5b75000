"""Maps that stand for args classes."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, ClassVar, Protocol, TypeVar

from gateway_components.components.errors import ArgsError
from gateway_components.crds.unknown import nearest
from gateway_components.errors import Problem

__all__ = ["Args", "args_as", "one_of"]


class Args(Protocol):
    """An instance of an args class, which is a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


A = TypeVar("A", bound=Args)


def args_as(component: str, type_: type[A], value: Any, path: str = "") -> A:
    """Return `value` as the args class it stands for.

    Parameters
    ----------
    component
        Type and name of the component, for messages.
    type_
        The args class.
    value
        An instance of it, or a map of its arguments.
    path
        The argument that `value` is given for; empty where it is all arguments of a component.

    Raises
    ------
    ArgsError
        It is something else, lacks an argument or holds one that there is not.
    """
    if isinstance(value, type_):
        return value
    if not isinstance(value, Mapping):
        verb = "is" if path else "the arguments are"
        raise ArgsError(component, Problem(path, f"{verb} {_a(type(value))}", f"give {one_of(type_)}"))
    known = {field.name: field for field in fields(type_)}
    prefix = f"{path}." if path else ""
    found = [
        Problem(f"{prefix}{name}", "is no argument", _cure(str(name), known))
        for name in value
        if name not in known
    ]
    found += [
        Problem(f"{prefix}{name}", "is required but missing", "add it")
        for name, field in known.items()
        if _required(field) and name not in value
    ]
    if found:
        raise ArgsError(component, *found)
    return type_(**value)


def one_of(*types: type) -> str:
    """Return how a message asks for one of some args classes: ``an AiGatewayArgs or a map``."""
    return f"{', '.join(map(_a, types))} or a map"


def _a(type_: type) -> str:
    return f"{'an' if type_.__name__[0] in 'AEIOUaeiou' else 'a'} {type_.__name__}"


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _cure(name: str, known: Mapping[str, object]) -> str:
    meant = nearest(name, known)
    return f"did you mean {meant}?" if meant else f"there are {', '.join(known)}"
