"""The whole project at work on one machine: a control plane, sample gateways and the daemon, to watch and to try."""
