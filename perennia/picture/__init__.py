"""Playbooks and what customers live through in them, drawn for people. Pure: definitions and decisions in, text out."""
