"""Drivers that speak to machines: one folder per family, found through the entry points `mesgraph.drivers`.

A family holds its hooks (`__init__`), the only input and output (`link`), pure decoding (`decode`) and
`driver.toml`, which states rule by rule what is done. Drivers know neither the domains nor the database.
"""
