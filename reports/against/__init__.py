"""Results of several folders: two of one machine side by side, and several machines apart."""
