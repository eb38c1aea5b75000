"""Manifest files: what `kubectl apply` takes, read into a snapshot, with the line of every field."""
