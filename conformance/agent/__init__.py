"""The client that is judged: its process, what it is told to do, and what it says that it sees.

`CLIENT_CONTRACT.md` has the commands and the observations.
"""
