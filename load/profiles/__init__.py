"""Profiles: the built-in TOML files and their readers. A profile with `[[arms]]` is a comparison."""
