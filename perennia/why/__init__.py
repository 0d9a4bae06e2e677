"""`why`: the journal in words, for people who answer for customers."""
