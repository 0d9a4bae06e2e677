"""Playbooks over virtual time: the engine's own `advance`, with a clock that jumps and a world in memory."""
