"""The highest rate that a server carries within an objective."""
