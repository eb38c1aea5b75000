"""The settings of the daemon: their model, their file, and how they change while it runs."""
