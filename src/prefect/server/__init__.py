"""The server: an HTTP face over `_api` and `_backend`. Its routes hold no rules and no SQL."""
