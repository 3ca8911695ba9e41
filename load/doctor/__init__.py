"""`sioprobe doctor URL`: what the settings of a Socket.IO server cost, measured from outside.

The application on the server needs nothing for it. Each folder or module stands on those after it: `registry`
makes all examinations, `examinations` has one module for each topic, `patient` is the server, `instruments`
ask it. Sockets here are plain and blocking, because the doctor looks for milliseconds and a hub would add
some.
"""
