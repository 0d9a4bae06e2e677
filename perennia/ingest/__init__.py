"""From what senders post to durable rows and rung bells."""
