"""Serving: a process that executes the runs of its deployments."""
