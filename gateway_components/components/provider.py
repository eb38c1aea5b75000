"""What tells the Kubernetes provider how to apply an object: it takes these settings from annotations only."""

__all__ = ["PATCH_FIELD_MANAGER", "SKIP_AWAIT"]

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""Tells it not to wait until an object is ready."""

PATCH_FIELD_MANAGER = "pulumi.com/patchFieldManager"
"""Names the owner of the fields that a patch sets; without it, the owner has another name in every stack."""
