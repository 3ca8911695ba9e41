"""Everyone is dropped at once and comes back."""
