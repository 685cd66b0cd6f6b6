from conformance.behaviour.test_map import *  # noqa: F403 - the same tests, on another store
