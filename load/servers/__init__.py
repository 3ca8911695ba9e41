"""The servers of a load: named by URL, started by a command, and the child processes of a comparison."""
