"""What a refusal of the API server says about the right that is missing."""

import pytest

from gateway_components.refusals import BOUND, missing_right

USER = 'User "system:serviceaccount:system:gateways"'

CASES = [
    (
        f'secrets is forbidden: {USER} cannot watch resource "secrets" in API group "" at the cluster scope',
        'the verb "watch" on "secrets" in all namespaces',
        "what belongs to the oldest group has no suffix",
    ),
    (
        f'{USER} cannot patch resource "deployments" in API group "apps" in the namespace "team-a"',
        'the verb "patch" on "deployments.apps" in namespace team-a',
        "as `kubectl auth can-i` takes it",
    ),
    (
        'cannot patch resource "aigateways/status" in API group "runtime.agentic-layer.ai" in the namespace "a"',
        'the verb "patch" on "aigateways/status.runtime.agentic-layer.ai" in namespace a',
        "a part of an object is a resource of its own",
    ),
    (
        "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
        'the verb "update" on the finalizers of gateways',
        "an admission plugin says neither verb nor resource",
    ),
    (
        f"ValidatingAdmissionPolicy 'x' denied request: the account of litellm-gateways {BOUND}: why",
        "apply deploy/rbac of this version",
        "the policy of an installation may be older than the daemon",
    ),
    ('pods "x" is forbidden: exceeded quota', "", "no right is missing"),
    ("", "", "nothing is said"),
]


@pytest.mark.parametrize(("message", "cure", "why"), CASES)
def test_the_missing_right_is_named(message: str, cure: str, why: str) -> None:
    assert cure in missing_right(message), why
    assert bool(cure) == bool(missing_right(message))
