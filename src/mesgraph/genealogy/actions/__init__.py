"""Verbs of genealogy: receive, commission, split, merge, move, pack, ship, return, disassemble, sample, scrap, adjust,
dispose of, transfer, and undo.
"""

from mesgraph.genealogy.actions.disassembly import disassemble_unit
from mesgraph.genealogy.actions.disposition import DispositionDecision, dispose_of_item
from mesgraph.genealogy.actions.movement import move_material, pack, ship_items, unpack
from mesgraph.genealogy.actions.receipt import ReceiptLine, commission_items, receive_items, submit_lots
from mesgraph.genealogy.actions.removal import adjust_lot, scrap_item, take_sample
from mesgraph.genealogy.actions.returns import return_items
from mesgraph.genealogy.actions.reversal import reverse_activity, reverse_event
from mesgraph.genealogy.actions.splitting import Child, merge_lots, split_lot
from mesgraph.genealogy.actions.transfer import lose_items, transfer_in, transfer_out

__all__ = [
    "Child",
    "DispositionDecision",
    "ReceiptLine",
    "adjust_lot",
    "commission_items",
    "disassemble_unit",
    "dispose_of_item",
    "lose_items",
    "merge_lots",
    "move_material",
    "pack",
    "receive_items",
    "return_items",
    "reverse_activity",
    "reverse_event",
    "scrap_item",
    "ship_items",
    "split_lot",
    "submit_lots",
    "take_sample",
    "transfer_in",
    "transfer_out",
    "unpack",
]
