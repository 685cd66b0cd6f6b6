"""What is sent to the API: one module a noun, with what creates, changes, filters and sorts it."""
