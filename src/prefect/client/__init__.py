"""Talk to the place where runs are kept; the schemas of what is kept there."""
