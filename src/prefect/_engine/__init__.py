"""Runs one flow run or one task run: a generator describes it once, a driver performs what it asks for."""
