"""The daemon: from changes on the API server to converged gateways and true statuses."""
