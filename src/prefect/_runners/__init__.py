"""Task runners: where submitted tasks are executed. `prefect.task_runners` is the public face."""
