"""Operations definitions: how a product is made (ISA-95 part 2, operations definition; its work master is folded in).

Words: a *definition* is one version of a route and a bill; a *segment* is a step of the route and asks for equipment of
a class; a *dependency* says after what else a segment may start; a *bill line* (material specification) says what goes
into a segment or comes out of it, per unit of the segment's output; a *parameter specification* says what is measured
while it runs, within which limits; a *work instruction* says what its operator does, step by step.

Invariants: versions move along DRAFT, FOR_REVIEW, APPROVED, OBSOLETE only (I27); another person than the author
approves (I35); approved content is frozen under its hash, so that it can be checked at release and at every start
(I16); dependencies have no cycle; a bill that makes anything has one PRODUCED line, whose unit counts the segment's
output.
"""
