"""Rows. One module per noun holds its SQL; `sqlite.py` holds what differs from another database."""
