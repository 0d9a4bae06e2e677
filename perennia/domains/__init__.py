"""Sending domains: what their DNS records say to those who receive our mail. Asks DNS, changes nothing."""
