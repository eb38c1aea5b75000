"""The daemon's loop on a folder of manifests, without custom resources."""
