# Finding all that is reached: used by other compiled modules only; the face to Python is _graph.
