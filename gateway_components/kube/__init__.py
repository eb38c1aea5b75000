"""Kubernetes IO: client, reflector, statuses and events; knows no Pulumi and no LiteLLM."""
