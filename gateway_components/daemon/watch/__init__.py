"""The daemon's cache of the cluster: reflectors, projections of objects, and dependents."""
