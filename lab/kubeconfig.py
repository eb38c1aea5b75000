"""Kubeconfig files of the lab."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import yaml


def write_kubeconfig(path: Path, *, url: str, certificate: Path, user: str, token: str) -> Path:
    """Write a kubeconfig that only its owner can read, and return its path.

    Parameters
    ----------
    path
        File to create; it must not exist yet.
    url, certificate
        Address of the API server, and the file with the certificate to trust; its content is put in.
    user, token
        Who uses it, and with which bearer token.

    Raises
    ------
    FileExistsError
        There is a file at `path`.
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
