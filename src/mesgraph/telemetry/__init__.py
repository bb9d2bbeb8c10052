"""What machines measure: tags, the drivers that read them, and their samples.

Words: a *driver instance* is one connection of a driver plug-in, such as that to the coater's controller; a *tag* is
one value that it reads, with its meaning, unit and limits; a *sample* is one reading: a value, three times (of the
source, of the edge that received it, of the server), a quality and the protocol's status code.

Invariants: samples never enter the ledger, masters and changes of a driver's state do. The samples of an instance are
numbered by its edge without gap; the next number is stored with the samples in one transaction, so a resend is harmless
and a gap is visible. A sample is never changed: what is wrong with it stands beside it, as a data quality issue. No
value is not zero.

What is new is appended as one row of columns for each batch (``intake``); ``sealing`` folds it into one packed row for
each tag and hour (``store``), with statistics of every five minutes that answer for long windows (``statistics``).
"""
