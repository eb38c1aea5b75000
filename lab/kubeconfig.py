"""Users of the lab, their tokens, and kubeconfig files for them."""

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml


def write_kubeconfig(path: Path, *, url: str, certificate: Path, user: str, token: str) -> Path:
    """Write the kubeconfig of a user with a bearer token, which only the file's owner can read; return its path.

    It holds the content of the certificate to trust. Raises FileExistsError: there is a file at `path`.
    """
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "lab",
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user, "namespace": "default"}}],
        "clusters": [
            {
                "name": "lab",
                "cluster": {
                    "server": url,
                    "certificate-authority-data": base64.b64encode(certificate.read_bytes()).decode(),
                },
            }
        ],
        "users": [{"name": user, "user": {"token": token}}],
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(content, file, sort_keys=False)
    return path


# Order of the group of NIST P-256.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_P256 = bytes.fromhex("06082a8648ce3d030107")  # its object identifier in DER


def new_tokens(users: Mapping[str, Sequence[str]]) -> tuple[dict[str, str], str]:
    """Return a new token for each user, and the API server's token file with them and the users' groups."""
    tokens = {user: secrets.token_urlsafe(24) for user in users}
    rows = [f'{tokens[user]},{user},{user},"{",".join(groups)}"\n' for user, groups in users.items()]
    return tokens, "".join(rows)


def new_signing_key() -> str:
    """Return a new ECDSA P-256 private key in PEM (SEC 1).

    SEC 1 lets the public point be left out, and readers compute it. So the key is a random number in a fixed
    frame, and the lab needs no cryptography package.
    """
    number = (secrets.randbelow(_ORDER - 1) + 1).to_bytes(32, "big")
    body = _der(0x02, b"\x01") + _der(0x04, number) + _der(0xA0, _P256)
    text = base64.encodebytes(_der(0x30, body)).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}-----END EC PRIVATE KEY-----\n"


def _der(tag: int, content: bytes) -> bytes:
    return bytes([tag, len(content)]) + content
