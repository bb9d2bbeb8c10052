"""Measurements. Each module runs alone: ``python -m benchmarks.NAME [--size S|M|L] [--database URL] --json``.

It prints one JSON object: ``benchmark``, ``conditions``, ``rounds``, ``absolute`` and ``ratios``; a ratio
``<case>_vs_<peer>`` above 1 means that mesgraph is better. Figures are medians of rounds, taken on whatever machine
this is, with the load, the server and the database sharing it.
"""
