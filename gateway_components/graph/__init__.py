"""PURE: classes, gateways, routes, servers and guards as a graph that says what is broken, and drawings of it."""
