"""Several server processes that behave like one: their supervisor."""
