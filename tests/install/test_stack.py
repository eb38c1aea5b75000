"""What the configuration of the stack ``operator`` can say."""

from typing import Any

import pulumi
import pytest

from gateway_components.install.options import Installation
from gateway_components.install.stack import read_installation


def test_nothing_said_is_the_installation_of_deploy() -> None:
    assert read_installation({}, "gateways:install") == Installation()


def test_everything_can_be_said() -> None:
    config = {
        "namespace": "platform",
        "image": "registry.example.com/gateways:2",
        "replicas": 1,
        "namespaces": ["team-a"],
        "defaultClass": True,
        "crossNamespace": False,
        "allowedUpstreams": ["localhost"],
        "gatewayImage": "registry.example.com/litellm:v1.98.0",
        "crds": False,
        "metricsAuth": True,
        "admissionPolicy": False,
    }
    assert read_installation(config, "gateways:install") == Installation(
        "platform",
        "registry.example.com/gateways:2",
        1,
        ("team-a",),
        default_class=True,
        cross_namespace=False,
        allowed_upstreams=("localhost",),
        gateway_image="registry.example.com/litellm:v1.98.0",
        crds=False,
        metrics_auth=True,
        admission_policy=False,
    )


MISTAKES = [
    (
        {"imagee": "x"},
        "gateways:install.imagee: ",
        "a key that is not known changes nothing, so it is a mistake",
    ),
    ({"replicas": "many"}, "gateways:install.replicas: ", "a number is wanted"),
    ({"replicas": -1}, "gateways:install.replicas: ", "fewer than none cannot run"),
    ({"namespaces": "team-a"}, "gateways:install.namespaces: ", "a list is wanted"),
    ({"namespaces": ["Team A"]}, "gateways:install.namespaces.0: ", "no namespace has such a name"),
    ({"allowedUpstreams": ["http://a"]}, "gateways:install.allowedUpstreams.0: ", "a URL is no host"),
    ({"gatewayImage": "http://a"}, "gateways:install.gatewayImage: ", "a URL is no image"),
    ([], "gateways:install: ", "a map is wanted"),
]


@pytest.mark.parametrize(("config", "message", "why"), MISTAKES)
def test_a_mistake_is_named_by_its_key(config: Any, message: str, why: str) -> None:
    with pytest.raises(pulumi.RunError, match="nothing was changed") as caught:
        read_installation(config, "gateways:install")
    assert message in str(caught.value), why
