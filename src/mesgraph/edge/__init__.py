"""The edge: drivers in processes of their own, samples kept on disk until the server has them.

Words: a *driver* is a plug-in for one kind of machine, an *instance* is one line to one machine as the server
configures it, a *link* is what a driver is given to work with, a *child* is a process that holds the drivers of one or
more instances, the *spool* keeps samples on disk, the *uplink* hands them to the server.

Invariants: a sample in the spool leaves it when the server has said that it has it. Samples of an instance are numbered
one by one; what is missing in the numbers was lost, and is named. No protocol library loads in the parent. What a
driver does harms no other process than its own.

An edge is a client of the public API. It imports neither domains nor the database; what it knows of the names of the
API stands in ``plant``.
"""
