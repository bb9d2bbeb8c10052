# Memory that never moves: used by other compiled modules only; the face to Python is _graph.
