"""For the tests of users: an isolated store, virtual time, crash tests."""
