"""The regression gate: does head cost more than base, break a requirement, or count differently.

`sides` says what is compared and builds it, `comparing` runs the three halves, `telling` says what came out.
How lives are measured is `load.side_by_side`'s; what they mean is `reports.gate`'s.
"""
