"""Help for testing flows, and the command line."""
