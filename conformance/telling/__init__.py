"""What a run says: on the console, in its result file, and in other forms."""
