# How much of one node is in another: used by other compiled modules only; the face to Python is _graph.
