"""From a namespace in the work queue to applied gateways, statuses and events."""
