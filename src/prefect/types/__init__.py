"""Types that appear in the signatures of the public API."""
