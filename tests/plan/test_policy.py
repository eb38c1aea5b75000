"""What an installation may decide."""

import pytest

from gateway_components.plan.claims import image_fault
from gateway_components.plan.snapshot import IMAGE
from gateway_components.plan.urls import allowed_upstream_fault

GOOD = ("localhost", "LOCALHOST", "metadata.google.internal", "127.0.0.1", "127.0.0.0/8", "::1", "fd00::/8")
BAD = (
    "",
    "http://localhost",
    "localhost:80",
    "10.0.0.1/8",  # bits beside the network
    "10.0.0.0/33",
    "300.1.1.1",  # no address, and no name either
    "*.example.com",
    "a b",
)


@pytest.mark.parametrize("text", GOOD)
def test_hosts_addresses_and_networks_can_be_allowed(text: str) -> None:
    assert allowed_upstream_fault(text) is None


@pytest.mark.parametrize("text", BAD)
def test_what_no_url_has_as_its_host_cannot_be_allowed(text: str) -> None:
    fault = allowed_upstream_fault(text)
    assert fault, text
    assert "network" in fault.cure


DIGEST = "sha256:" + "0a" * 32
IMAGES = (
    IMAGE,
    "litellm",
    "litellm/litellm-non_root:v1.98.0",
    f"ghcr.io/berriai/litellm@{DIGEST}",
    f"ghcr.io/berriai/litellm:v1.98.0@{DIGEST}",
    "localhost:5000/team/litellm:1",
    "[::1]:5000/litellm",
    "Registry.Example.COM/a__b/c-d.e:_x",
    f"r/{'a' * 253}",
)
NO_IMAGES = (
    "",
    " ",
    "ghcr.io/BerriAI/litellm:1",  # capitals in a path
    "https://ghcr.io/berriai/litellm:1",
    "ghcr.io/berriai/litellm:",
    "ghcr.io/berriai/litellm:a b",
    f"{IMAGE}\n",
    "ghcr.io/berriai/litellm@sha256:0a",  # too short
    "ghcr.io/berriai/litellm@" + DIGEST.upper(),
    "ghcr.io/berriai/litellm@md5:" + "0a" * 16,
    "ghcr.io//litellm",
    "/litellm",
    "litellm/",
    "$(IMAGE)",
    f"litellm:{'a' * 129}",
    f"r/{'a' * 254}",
)


@pytest.mark.parametrize("text", IMAGES)
def test_an_image_has_a_name_and_perhaps_a_tag_and_a_digest(text: str) -> None:
    assert image_fault(text) is None


@pytest.mark.parametrize("text", NO_IMAGES)
def test_what_no_registry_could_resolve_is_no_image(text: str) -> None:
    fault = image_fault(text)
    assert fault, text
    assert "sha256" in fault.cure
