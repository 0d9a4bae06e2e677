"""What workflows ask of the world."""
