"""`perennia demo`: a small company lives through sixty days in two minutes, over the real HTTP API and real mail."""
