from conformance.behaviour.test_calling import *  # noqa: F403 - the same tests, on another store
