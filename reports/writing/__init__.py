"""What every page stands on: words and numbers as people read them, templates, style and script."""
