"""The matrix beyond the servers that we build: `make matrix-wide`.

`rows.py` lists the servers. A folder without Python modules holds the pins of what a server needs, or the
configuration of a proxy. What is fetched goes into its `build/` or `node_modules/`.
"""
