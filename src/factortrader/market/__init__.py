"""What the core knows of the market: panel, trailing window, universe, lives."""
