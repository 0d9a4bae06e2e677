"""`perennia up`: Temporal, worker, API and inbox as processes of their own, watched, restarted, and ended together."""
