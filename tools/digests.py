"""Digests of images, as their registries give them (OCI distribution specification): a tag may be moved, they not."""

import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import ToolsError
from tools.progress import say

_HUB = "registry-1.docker.io"
_SECONDS = 30
_BASE = re.compile(r"^(FROM )([\w./-]+:[\w.-]+)(?:@sha256:[0-9a-f]{64})?", re.MULTILINE)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_ACCEPT = ", ".join(
    (
        # Of all architectures; the digest of one alone would not build elsewhere.
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)


@dataclass(frozen=True)
class _Reference:
    registry: str
    repository: str
    tag: str

    @staticmethod
    def of(image: str) -> "_Reference":
        name, _, tag = image.rpartition(":")
        host, slash, rest = name.partition("/")
        if slash and ("." in host or ":" in host):
            return _Reference(host, rest, tag)
        return _Reference(_HUB, name if slash else f"library/{name}", tag)


def write_digests(dockerfile: Path) -> None:
    """Write the digest of each base image into the Dockerfile, and say that of the gateways' image.

    Raises ToolsError: a registry gave none; nothing is written.
    """
    from gateway_components.plan.snapshot import IMAGE  # noqa: PLC0415  (the image is built without its packages)

    text = with_digests(dockerfile.read_text(), digest_of)
    gateways = f"{IMAGE}@{digest_of(IMAGE)}"
    dockerfile.write_text(text)
    say(f"{dockerfile}: the base images have their digests")
    say(f"The image of gateways by digest, as --gateway-image takes it: {gateways}")


def with_digests(dockerfile: str, digest: Callable[[str], str]) -> str:
    """Return the text of a Dockerfile with the digest of each base image behind its tag."""
    return _BASE.sub(lambda base: f"{base[1]}{base[2]}@{digest(base[2])}", dockerfile)


def digest_of(image: str, scheme: str = "https") -> str:
    """Return the digest that the registry of `image`, as NAME:TAG, gives that tag now.

    Raises ToolsError: it gives none.
    """
    reference = _Reference.of(image)
    url = f"{scheme}://{reference.registry}/v2/{reference.repository}/manifests/{reference.tag}"
    try:
        digest = _head(url)
    except (OSError, ValueError) as error:
        raise ToolsError(f"no digest of {image}: {error}; make digests needs the network") from None
    if not _DIGEST.fullmatch(digest):
        raise ToolsError(f"no digest of {image}: {reference.registry} did not name one")
    return digest


def _head(url: str) -> str:
    request = urllib.request.Request(url, headers={"Accept": _ACCEPT}, method="HEAD")  # noqa: S310
    try:
        answer = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        challenge = dict(_CHALLENGE.findall(error.headers.get("WWW-Authenticate", "")))
        if error.code != 401 or "realm" not in challenge:  # noqa: PLR2004
            raise
        # Everybody gets a token for a public image.
        request.add_header("Authorization", f"Bearer {_token(challenge)}")
        answer = urllib.request.urlopen(request, timeout=_SECONDS)  # noqa: S310
    with answer:
        return str(answer.headers.get("Docker-Content-Digest", ""))


def _token(challenge: Mapping[str, str]) -> str:
    asked: dict[str, str] = {name: challenge[name] for name in ("service", "scope") if name in challenge}
    query = urllib.parse.urlencode(asked)
    with urllib.request.urlopen(f"{challenge['realm']}?{query}", timeout=_SECONDS) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
    return str(found.get("token") or found.get("access_token") or "")
