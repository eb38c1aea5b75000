"""Strict YAML: what Kubernetes would make of it as JSON, with duplicate keys refused and every line known."""

from gateway_components.documents.reader import Document, parse, parse_all
from gateway_components.documents.writer import dump

__all__ = ["Document", "dump", "parse", "parse_all"]
