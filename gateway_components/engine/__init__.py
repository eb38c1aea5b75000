"""The Pulumi engine behind the Automation API; knows no Kubernetes client and no LiteLLM."""
