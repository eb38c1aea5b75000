"""Talks to the API server: client, reflector, Lease, statuses, events, states. Knows neither Pulumi nor LiteLLM."""
