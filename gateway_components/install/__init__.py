"""The daemon's own installation as manifests, for deploy/ and for the stack ``operator``."""
