"""Measures the daemon on a lab of its own: time of edits, of many gateways at once, memory and CPU."""
