from conformance.behaviour.test_tracking import *  # noqa: F403 - the same tests, on another store
