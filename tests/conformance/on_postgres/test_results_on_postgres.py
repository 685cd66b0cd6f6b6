from conformance.behaviour.test_results import *  # noqa: F403 - the same tests, on another store
