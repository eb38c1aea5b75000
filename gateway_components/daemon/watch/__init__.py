"""The daemon's picture of the cluster: reflectors, what is kept of each object, and who depends on what."""
