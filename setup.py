"""Computes what pyproject.toml cannot state: the package list and the compiled modules.

An explicit package list would be forgotten when a driver is added; this one is read from the folders.
"""

import os
import platform
import shlex
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

MAPPED = {"mesgraph_drivers": "drivers", "mesgraph_migrations": "migrations"}
# Every x86 server since 2009 counts bits in one instruction, but compilers do not assume it.
MACHINE = ["-mpopcnt"] if platform.machine() in {"x86_64", "AMD64"} else []
DEBUG = os.environ.get("MESGRAPH_DEBUG") == "1"
EFFORT = ["-O0", "-g", "-DMESGRAPH_DEBUG"] if DEBUG else ["-O3"]
# Said last, so that whoever builds has the last word, as everywhere.
FLAGS = [*EFFORT, *MACHINE, *shlex.split(os.environ.get("CFLAGS", ""))]


def packages() -> list[str]:
    found = find_packages("src")
    for name, folder in MAPPED.items():
        if Path(folder, "__init__.py").exists():
            found.append(name)
            found += [f"{name}.{package}" for package in find_packages(folder)]
    return found


def extensions() -> list[Extension]:
    """One module per .pyx; ext/ mirrors the package path, so the path is the module's name."""
    root = Path("ext")
    return [
        Extension(
            ".".join(source.relative_to(root).with_suffix("").parts),
            [str(source)],
            extra_compile_args=FLAGS,
        )
        for source in sorted(root.rglob("*.pyx"))
    ]


setup(
    packages=packages(),
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
    ext_modules=cythonize(
        extensions(),
        include_path=["ext"],
        # One folder per kind, or a debug build's C file would be taken for the plain one.
        nthreads=os.cpu_count() or 1,
        build_dir="build/cython-debug" if DEBUG else "build/cython",
        compiler_directives={
            "language_level": 3,
            "boundscheck": DEBUG,
            "wraparound": False,
            "initializedcheck": DEBUG,
            "cdivision": True,
            "embedsignature": True,
        },
    ),
)
