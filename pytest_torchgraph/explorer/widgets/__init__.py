"""What the explorer is made of on the screen."""
