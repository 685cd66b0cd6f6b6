from conformance.behaviour.test_retries import *  # noqa: F403 - the same tests, on another store
