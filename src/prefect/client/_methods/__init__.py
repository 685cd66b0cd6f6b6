"""What both clients ask: one module a noun."""
