"""Orders and their execution (ISA-95 parts 2 and 4; job states of OPC 10031-4).

Words: an *operations request* is a production order, demand for a quantity of a product; a *segment requirement* is a
step of it; a *job order* is a task for one work unit; a *job response* is the record of one run of a job with its
*material actuals*, what it took and made, and its *parameter actuals*, what was measured; a *deviation* is something
in a run that left its limits, and the decision on it. To *permit* a job allows its start (OPC says Start), to *start*
it begins it.

Invariants: states move along :mod:`mesgraph.orders.lifecycle` only (I27); an order is released only on a definition
that is approved, effective and allowed at the site, and keeps that version (I16); a job starts only on capable, ready
equipment with free capacity when what it waits for has happened (I13, I14, I17); a lower revision of the ERP is not
applied, and after the start only more quantity, due date and priority change (I38); what is consumed fits the bill
(I9 to I11) and every output has its inputs (I3); what is measured outside its limits opens a deviation, and holds the
item where the parameter is critical (I20); a job is rerouted only to alternates that the definition lists (I44); an
order is closed with true books, and what is unaccounted for is tolerated or explained (I47).
"""
