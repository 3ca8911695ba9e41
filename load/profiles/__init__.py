"""Profiles: the built-in TOML files, and what reads them. With `[[arms]]` a profile is a comparison."""
