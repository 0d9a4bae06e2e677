"""Keeping customers and a CRM's records equal, in both directions."""
