from conformance.behaviour.test_crash_and_cancel import *  # noqa: F403 - the same tests, on another store
