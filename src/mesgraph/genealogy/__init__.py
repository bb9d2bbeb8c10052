"""Genealogy: what was made from what."""
