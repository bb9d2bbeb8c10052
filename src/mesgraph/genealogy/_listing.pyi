# The edges of single nodes: used by other compiled modules only; the face to Python is _graph.
