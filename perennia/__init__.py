"""Perennia."""
