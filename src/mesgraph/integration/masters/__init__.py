"""Master data and open stock as tables, for those who have a spreadsheet or an export instead of a connector.

A *table* is a document in CSV (RFC 4180) whose first record names the columns: those of the inputs of the API. Each row
is judged by itself and ends in the same verb as a command.
"""
