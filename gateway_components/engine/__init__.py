"""Runs the Pulumi engine: one stack per namespace. Knows neither the Kubernetes client nor LiteLLM."""
