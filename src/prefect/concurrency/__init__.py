"""Limits on how much runs at once: `prefect.concurrency.sync` and `prefect.concurrency.asyncio`."""
