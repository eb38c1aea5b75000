"""Generated configurations, loaded into the real LiteLLM proxy."""
