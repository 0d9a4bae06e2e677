"""Ports to the outside world, one per kind, and the adapters behind them."""
