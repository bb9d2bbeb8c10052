"""Verbs of genealogy: receive, split, merge, move, pack, ship, sample, scrap, adjust, and undo."""

from mesgraph.genealogy.actions.movement import move_material, pack, ship_items, unpack
from mesgraph.genealogy.actions.receipt import ReceiptLine, receive_items
from mesgraph.genealogy.actions.removal import adjust_lot, scrap_item, take_sample
from mesgraph.genealogy.actions.reversal import reverse_activity, reverse_event
from mesgraph.genealogy.actions.splitting import Child, merge_lots, split_lot

__all__ = [
    "Child",
    "ReceiptLine",
    "adjust_lot",
    "merge_lots",
    "move_material",
    "pack",
    "receive_items",
    "reverse_activity",
    "reverse_event",
    "scrap_item",
    "ship_items",
    "split_lot",
    "take_sample",
    "unpack",
]
