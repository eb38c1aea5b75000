"""Whether Guards and their providers fit the gateways that use them, as a plan would find."""

from collections.abc import Iterable

from gateway_components.crds.aigateway import AiGateway, AiGatewaySpec
from gateway_components.crds.guard import Guard
from gateway_components.crds.meta import ObjectMeta, ObjectReference
from gateway_components.plan.failure import Failure
from gateway_components.plan.guardrails import resolve_guardrails
from gateway_components.plan.snapshot import Gateway, Resources

__all__ = ["guard_failure"]


def guard_failure(guard: Guard, users: Iterable[Gateway], resources: Resources) -> Failure | None:
    """Return why a Guard cannot be applied; None where it can.

    Parameters
    ----------
    guard
        The Guard.
    users
        The gateways that use it. For one that none uses, an AiGateway beside it is taken for the judgement.
    resources
        The Guards and providers there are.
    """
    reference = ObjectReference(name=guard.metadata.name, namespace=guard.metadata.namespace)
    for gateway in tuple(users) or (_anybody(guard),):
        alone = gateway.spec.model_copy(update={"guardrails": (reference,)})
        try:
            resolve_guardrails(gateway.model_copy(update={"spec": alone}), resources)
        except Failure as failure:
            # Its field is a place among the guards of a gateway, which here has this one alone.
            return Failure(failure.reason, failure.message, cure=failure.cure)
    return None


def _anybody(guard: Guard) -> AiGateway:
    metadata = ObjectMeta(name=guard.metadata.name, namespace=guard.metadata.namespace)
    return AiGateway(metadata=metadata, spec=AiGatewaySpec.model_construct(ai_models=()))
