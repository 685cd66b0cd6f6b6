"""Locks on cache keys, for transactions that must not overlap."""
