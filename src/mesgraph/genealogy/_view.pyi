# The graph as a reader sees it: used by other compiled modules only; the face to Python is _graph.
