"""One TOML file, parsed once into frozen settings (DESIGN §10)."""
