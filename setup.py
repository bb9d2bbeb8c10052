"""Computes what pyproject.toml cannot state: the package list and the compiled modules.

An explicit package list would be forgotten when a driver is added; this one is read from the folders.
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

MAPPED = {"mesgraph_drivers": "drivers", "mesgraph_migrations": "migrations"}
DEBUG = os.environ.get("MESGRAPH_DEBUG") == "1"


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
            extra_compile_args=["-O0", "-g"] if DEBUG else ["-O3"],
        )
        for source in sorted(root.rglob("*.pyx"))
    ]


setup(
    packages=packages(),
    ext_modules=cythonize(
        extensions(),
        include_path=["ext"],
        # One folder per kind, or a debug build's C file would be taken for the plain one.
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
