"""Programs that run on the Python of LiteLLM's environment, which holds the official MCP SDK."""
