"""The web UI: pages made on the server from the API's own endpoints. No SQL and no rules stand here."""
