"""Who may use the HTTP API, for what, and how often."""
