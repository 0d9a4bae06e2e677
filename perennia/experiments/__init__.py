"""What experiments came to: who reached the goal on either side, and how sure one may be of a difference."""
