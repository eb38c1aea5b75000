"""The custom resources: their models, their CRDs and the checks of manifests, all from one set of pydantic models.

Imports nothing of this package but its errors.
"""
