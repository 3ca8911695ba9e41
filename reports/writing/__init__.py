"""The parts of every page: words and numbers as people read them, templates, style and script."""
