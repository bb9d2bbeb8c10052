"""Other systems: what they ask of the plant, and what the plant tells them.

Words: a *message* is what a source system sends once under an id of its own; it may have several *requests*, each
answered by itself. A B2MML message is a *document*: a verb (Process, Sync, Change, Cancel) and a noun
(OperationsSchedule). An *acknowledgement* is the answer as a document. A message that cannot be read at all is a
*dead letter*.

Invariants: the same message id with the same content gets the first answer, with other content it is refused (I37); an
overtaken revision is not applied (I38); every element is checked before anything is done, and one bad request does not
block the others (I49). What a document asks ends in the same verbs as a command of the API.
"""
