# The record in columns: used by other compiled modules only; the face to Python is _graph.
