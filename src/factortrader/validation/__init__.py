"""Is it real? Lint, and the checks of what a replay claims."""
