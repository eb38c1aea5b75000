"""PURE: classes, gateways, routes, servers and guards as a graph with the state of each, and drawings of it."""
