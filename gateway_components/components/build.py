"""From the arguments of a component to the objects of its gateway, by way of the pure core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import pulumi

from gateway_components import documents
from gateway_components.components.args import AiGatewayArgs
from gateway_components.components.checks import check_patch, key_digest, namespace_problem
from gateway_components.components.errors import args_error
from gateway_components.components.inputs import camel_keys, plain, together
from gateway_components.components.secrecy import public
from gateway_components.crds.aigateway import AiGateway
from gateway_components.crds.parse import parse_as, problems
from gateway_components.errors import GatewayError, InputError
from gateway_components.plan.keys import Reference
from gateway_components.plan.kinds import API_VERSION
from gateway_components.plan.patch import PATCH_KEY
from gateway_components.plan.plan import generate
from gateway_components.plan.references import PATCH_ANNOTATION, api_key_reference, patch_reference
from gateway_components.plan.snapshot import Content
from gateway_components.plan.workload import GatewayObjects

__all__ = ["GatewayOutputs", "ai_gateway_outputs"]

_PATCH_NAME = "config-patch"
"""Stands for the patch in the annotation that the core reads; no ConfigMap of that name is ever made."""


@dataclass(frozen=True, slots=True)
class GatewayOutputs:
    """The objects of a gateway, twice: as far as they are known early and may be seen, and whole.

    Attributes
    ----------
    outline
        ConfigMap, Service and the metadata of the Deployment are right here, and depend on nothing else.
    full
        The Deployment's specification is right here; it may wait for, or be secret by, a variable.
    """

    outline: pulumi.Output[GatewayObjects]
    full: pulumi.Output[GatewayObjects]

    @classmethod
    def of(cls, objects: GatewayObjects) -> Self:
        """Return the outputs of objects that are known."""
        known: pulumi.Output[GatewayObjects] = pulumi.Output.from_input(objects)
        return cls(known, known)


def ai_gateway_outputs(component: str, name: str, args: AiGatewayArgs) -> GatewayOutputs:
    """Return the objects that `args` describe.

    The outline leaves out what shapes the pods alone. So ConfigMap and Service can be previewed while a variable is
    not known yet, and a secret variable hides the pods in the state but not the URL.

    Parameters
    ----------
    component
        Type and name of the component, for messages.
    name
        Name of the gateway where `args` give none.
    args
        The arguments.

    Raises
    ------
    ArgsError
        An argument is at fault: at once where all that it takes to see that is known, else inside the Outputs.
    """
    outline = {
        "name": plain(args.name if args.name is not None else name),
        "namespace": plain(args.namespace),
        "aiModels": public(component, "models", plain(args.models)),
        "port": plain(args.port),
        "commonMetadata": plain(args.common_metadata),
        "patch": _mapped(
            public(component, "config_patch", plain(args.config_patch)),
            lambda patch: check_patch(component, patch),
        ),
    }
    details = {
        "env": _mapped(plain(args.env), camel_keys),
        "envFrom": _mapped(plain(args.env_from), camel_keys),
        "podMetadata": plain(args.pod_metadata),
        "apiKeys": _api_key_digest(component, args),
    }
    full = _mapped(together({**outline, **details}), lambda parts: _generate(component, parts))
    if isinstance(full, GatewayObjects):
        return GatewayOutputs.of(full)
    # What is known of the details is checked with the outline: of several mistakes that show at once, all are told.
    known = {key: part for key, part in details.items() if not isinstance(part, pulumi.Output)}
    first = _mapped(together({**outline, **known}), lambda parts: _generate(component, parts, warn=False))
    return GatewayOutputs(pulumi.Output.from_input(first), full)


def _generate(component: str, parts: Mapping[str, Any], *, warn: bool = True) -> GatewayObjects:
    manifest = _manifest(parts)
    fault = namespace_problem(parts["namespace"])
    found = problems(manifest)
    errors = [problem.as_problem() for problem in found if problem.severity == "error"]
    if errors or fault:
        raise args_error(component, InputError(*errors, *([fault] if fault else [])))
    for problem in found if warn else ():
        pulumi.warn(str(args_error(component, InputError(problem.as_problem()))))
    try:
        gateway = parse_as(AiGateway, manifest)
        return generate(gateway, _contents(gateway, parts))
    except GatewayError as error:
        raise args_error(component, error) from None


def _manifest(parts: Mapping[str, Any]) -> dict[str, Any]:
    metadata = {"name": parts["name"], "namespace": parts["namespace"]}
    if parts["patch"] is not None:
        metadata["annotations"] = {PATCH_ANNOTATION: _PATCH_NAME}
    fields = ("aiModels", "port", "commonMetadata", "env", "envFrom", "podMetadata")
    return {
        "apiVersion": API_VERSION,
        "kind": "AiGateway",
        "metadata": metadata,
        "spec": {key: parts[key] for key in fields if parts.get(key) is not None},
    }


def _contents(gateway: AiGateway, parts: Mapping[str, Any]) -> dict[Reference, Content]:
    contents: dict[Reference, Content] = {}
    reference = patch_reference(gateway)
    if reference is not None:
        contents[reference] = Content("", {PATCH_KEY: documents.dump(parts["patch"])})
    if parts.get("apiKeys") is not None:
        contents[api_key_reference(gateway)] = Content(parts["apiKeys"])
    return contents


def _api_key_digest(component: str, args: AiGatewayArgs) -> Any:
    digest = _mapped(plain(args.api_keys), lambda keys: key_digest(component, keys))
    # It stands on every pod anyway; as a secret it would hide the whole Deployment from every diff.
    return pulumi.Output.unsecret(digest) if isinstance(digest, pulumi.Output) else digest


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    return value.apply(function) if isinstance(value, pulumi.Output) else function(value)
