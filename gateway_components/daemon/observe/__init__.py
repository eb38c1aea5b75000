"""How the daemon is observed: health, metrics and traces."""
