"""Private names of Prefect 3 that packages written for it import all the same."""
