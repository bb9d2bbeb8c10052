"""Whether the time of an answer tells that something exists at a site where the caller has no rights.

``python -m tests.security.oracle --pairs 1000`` asks every look-up and every command that names a thing of a site, by
key and by id, in pairs: for a thing of the other site, and for one that is nowhere. It prints one line of JSON: for the
fields that differ most, how often the existing one takes longer (0.5: it tells nothing; with 1,000 pairs chance alone
stays within 0.03 nearly always), and the medians in microseconds. All happens in one process, so that no network hides
a difference.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pytest

from mesgraph.access.policy import audience
from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.migration import migrate
from mesgraph.plant import running_plant
from tests.api import Api
from tests.security.matrix import AWAY, HOME, Cell, Matrix, Place, fields, names_things
from tests.security.operations import FORMS, Asked
from tests.security.two_plants import two_plants

TOLD_FROM = 0.1
"""Off a half by so much, a field tells something to who asks a few hundred times."""


@dataclass
class Pairs:
    """Times of one question in seconds."""

    cell: Cell
    form: str
    there: list[float] = field(default_factory=list)
    nowhere: list[float] = field(default_factory=list)

    def longer(self) -> float:
        """How often the answer for what exists takes longer, of all pairs of times; ties count half."""
        ranked = sorted([(took, True) for took in self.there] + [(took, False) for took in self.nowhere])
        below, wins = 0, 0
        for _, exists in ranked:
            wins += below * exists
            below += not exists
        return wins / (len(self.there) * len(self.nowhere))

    def told(self) -> dict[str, Any]:
        """For the report."""
        return {
            "field": f"{self.cell.type_name}.{self.cell.field} by {self.form}",
            "longer": round(self.longer(), 3),
            "there_us": round(median(self.there) * 1e6),
            "nowhere_us": round(median(self.nowhere) * 1e6),
        }


def questions() -> Iterator[Cell]:
    """Everything that names a thing of a site, asked by a role that may ask it at its own."""
    for type_name, name in fields():
        if type_name in ("Query", "Mutation") and names_things(type_name, name):
            role = next((role for role in Role if role in audience(type_name, name)), None)
            if role is not None:
                yield Cell(role, Place.OTHER, type_name, name)


async def measure(matrix: Matrix, pairs: Pairs, count: int, order: random.Random) -> None:
    """Ask it ``count`` times each, in an order that nothing else follows."""
    there, nowhere = (Asked(matrix.plants.at[HOME], pairs.form, absent=absent) for absent in (False, True))
    actor = matrix.plants.actor(pairs.cell.role, at=AWAY)
    for number in range(-20, count):
        both = [(there, pairs.there), (nowhere, pairs.nowhere)]
        order.shuffle(both)
        for asked, took in both:
            began = time.perf_counter()
            await matrix.ask(pairs.cell.type_name, pairs.cell.field, actor, asked)
            if number >= 0:
                took.append(time.perf_counter() - began)


async def listen(count: int, seed: int, only: str) -> dict[str, Any]:
    """All of it."""
    order, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        url = f"sqlite:///{folder}/plant.db"
        migrate(url)
        async with running_plant(Settings(database=url)) as plant:
            matrix = Matrix(await two_plants(Api(plant)), patch)
            for cell in questions():
                for form in FORMS:
                    pairs = Pairs(cell, form)
                    if only in cell.field:
                        await measure(matrix, pairs, count, order)
                        found.append(pairs.told())
    found.sort(key=lambda told: -abs(told["longer"] - 0.5))
    return {
        "questions": len(found),
        "pairs": count,
        "seed": seed,
        "telling": sum(abs(told["longer"] - 0.5) >= TOLD_FROM for told in found),
        "worst": found[:8],
    }


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="fields with this in their name")
    given = options.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(listen(given.pairs, given.seed, given.only))) + "\n")


if __name__ == "__main__":
    main()
