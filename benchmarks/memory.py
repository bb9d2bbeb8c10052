"""Memory of two server processes from idle to full load, against two processes of Mercurius over the same PostgreSQL.

Full load is all questions of ``benchmarks.graphql`` at once, as many clients each as there. Idle is after the start,
before the first question. ``idle_mb`` and ``growth_mb``: of all processes of a server together, pages that several of
them hold counted once, at most while the load lasts; ``process_mb``: what the largest of them had resident. Each round
starts both servers anew.
"""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
