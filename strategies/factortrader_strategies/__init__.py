"""Strategies, one readable file each; constructor keywords are their TOML parameters."""
