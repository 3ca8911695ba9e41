"""The report of a comparison: page, Markdown summary and CSV."""
