"""Small things everybody needs: ids, clock, sentinels, hashing, settings loading. Imports nothing above itself."""
