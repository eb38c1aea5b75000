"""What the daemon tells of itself: health, metrics and traces."""
