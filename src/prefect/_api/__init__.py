"""What a client may ask, as plain functions on a store: one table of endpoints serves the server and the clients.

Each noun has a module. Its functions hold what the noun requires beyond SQL (names that must be free, upserts,
defaults); the SQL stands in `_storage`, the schemas in `model`. The server mounts the table as routes, a client
without a server calls the functions, and a client with one sends the same requests.
"""
