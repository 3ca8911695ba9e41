"""Servers that are alive at the same time, driven in turns, so that all of them meet the same machine.

Two servers that run one after the other are compared over different moments, and a shared machine changes
its speed by a quarter within 30 ms. Here all servers of a comparison start together and stay up. Each gets
some messages, then the next one, in a random order that is then played backwards. The CPU clock of a
server is read in silence before and after its turn.

One such sitting is a life; `python -m load.side_by_side` measures one for each request. It keeps every
turn ("slice") and computes nothing: what the figures mean is for others (`ci.gate`, `reports.gate`).
"""
