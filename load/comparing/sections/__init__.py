"""The sections of a full comparison. Each module plans the measurements of one section, and makes them.

A measurement is one arm in one situation, on a fresh server. What measures is there already: blocks
(`load.blocks`), `sioprobe capacity` and `sioprobe doctor`. `reports.statistics.sections` makes tables of it.
"""
