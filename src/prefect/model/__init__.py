"""The one set of schemas. `records` are what rows hold, cheap to make; the pydantic models are what users see."""
