"""A folder of manifests as the source: the daemon's loop without custom resources."""
