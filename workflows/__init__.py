"""What Temporal replays."""
