from conformance.behaviour.test_names_and_subflows import *  # noqa: F403 - the same tests, on another store
