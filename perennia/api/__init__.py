"""The HTTP API of teams and systems, and the pages that customers see."""
