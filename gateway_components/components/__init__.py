"""Pulumi resources from plans; knows no cluster and no command line."""
