"""Blocks: typed configuration that is stored under a name."""
