"""The examinations: each asks a server something and says what it has found."""
