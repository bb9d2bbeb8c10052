"""What stands between the network and the API: who may knock, how long they may take, and what a browser is told.

Nothing here knows what is asked. Names and sites that are known (``origins``), patience with slow connections
(``connections``), headers of every answer (``headers``), TLS (``tls``), an eye on the process itself (``watchdog``),
and a log that nobody can fill (``logs``).
"""
