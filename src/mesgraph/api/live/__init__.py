"""Live topics: each subscriber begins alone and, once it has caught up with the record, goes on in a group of its like.

``topics`` is what a topic is written with: following the record, looking at a state again and again. ``place`` is where
a subscription is in the record, which topics tell. ``hub`` leads every subscriber from its cursor to its group;
``group`` executes once for all of its members; ``outlet`` is how a member gets its messages.

Whoever begins alone is let in, refused, charged and recorded as by plain execution, which is what it is. Whatever
happens to a member of a group - its rights change, it cannot follow - ends in the same way: it leaves, at a place in
the record that is known exactly, and begins alone from there.
"""
