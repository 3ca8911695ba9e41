"""`sioprobe doctor URL`: what a Socket.IO server's settings cost, measured from outside, in words.

Needs nothing of the server's application. One module an examination; `patient` is what they share.
Sockets here are plain and blocking: what is looked for are milliseconds, and no hub stands between.
"""
