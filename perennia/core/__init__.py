"""The field's rules, pure: no clock, no random, no I/O, no Temporal."""
