"""The daemon's own installation as manifests: pure functions, for deploy/ and for the stack ``operator``."""
