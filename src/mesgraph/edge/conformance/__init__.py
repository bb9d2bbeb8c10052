"""The conformance kit: a plug-in of pytest that proves of a driver what its ``driver.toml`` states.

A test module of a driver says who the machine is, and gets a test for every rule:

    class MyMachine(Bench): ...

    class TestMyDriver(Conformance):
        bench = MyMachine

A rule that is stated as done must pass. One that is to do must fail: when it passes, state it as done. One that is
exempt is left out with the reason that is stated. At the end there is a table of all drivers and rules.
"""

from mesgraph.edge.conformance.bench import Bench
from mesgraph.edge.conformance.rules import Conformance

__all__ = ["Bench", "Conformance"]
