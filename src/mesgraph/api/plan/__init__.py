"""Fast reads: an operation is compiled once into a plan.

A plan is made of an operation's text, its name, the values of its `@skip` and `@include`, and what its callers may see.
It knows the columns to read, the SQL to read them with, and the bytes that stand between the values. Its answer is byte
for byte that of graphql-core, which stays the reference and answers whatever a plan cannot: what compiles to no plan
(:class:`~mesgraph.api.plan.kinds.NotPlanned`), and what turns out unusual when it is read, such as an error
(:class:`~mesgraph.api.plan._emit.Unusual`).
"""
