"""What the repository needs to work on itself: tools, function packages, generated docs."""
