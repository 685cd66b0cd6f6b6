"""Settings: one table of what exists, the sources that set it, and the object that holds what is in force.

Free of pydantic and of every parser until a file asks for one, because every start pays for it.
"""
