"""The core under the sanitizers of gcc: no thread reads what another one half wrote, and nobody reads beyond.

The modules are built into a folder of their own, and the threads of :mod:`tests.genealogy.core.stress` run with them.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
BUILT_FROM = ["ext", "src", "drivers", "migrations", "setup.py", "pyproject.toml", "README.md"]
RUN = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in repr(finder)]
sys.path[:0] = sys.argv[1:3]
from mesgraph.genealogy import _graph
assert _graph.__file__.startswith(sys.argv[1]), _graph.__file__
import tempfile
from pathlib import Path
from tests.genealogy.core.stress import Plot, Stress
with tempfile.TemporaryDirectory() as folder:
    stress = Stress(Plot(20_000), Path(folder))
    stress.run()
assert not stress.wrong
assert stress.merges
print("asked", stress.asked)
"""
# The debug build has the assertions, too, and compiles in half the time.
DEBUG = {"MESGRAPH_DEBUG": "1"}
# Python itself never frees all that it takes; that is no leak of the core.
OPTIONS = {"ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1"}
LIBRARIES = {"address": "libasan.so", "thread": "libtsan.so"}


def library(name: str) -> str:
    """Where gcc has a sanitizer's library; without gcc or that library the test is skipped."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not here")
    asked = ["gcc", f"-print-file-name={name}"]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(found).is_absolute():
        pytest.skip(f"gcc has no {name}")
    return found


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules in C, which are the same for both sanitizers."""
    folder = tmp_path_factory.mktemp("sources")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for built in folder.rglob("*.so"):
        built.unlink()
    for source in (folder / "ext").rglob("*.pyx"):
        # The thread sanitizer leaves few addresses to a program: less than one graph reserves for all that may come.
        source.write_text(re.sub(r"<size_t>1 << (30|32|38)", "<size_t>1 << 26", source.read_text()))
    command = [sys.executable, "setup.py", "-q", "--version"]
    subprocess.run(command, cwd=folder, env=os.environ | DEBUG, stdout=subprocess.DEVNULL, check=True)
    return folder


def build(sources: Path, folder: Path, sanitizer: str) -> Path:
    """Build the modules with a sanitizer; returns what to import them from."""
    shutil.copytree(sources, folder, dirs_exist_ok=True)
    flags = f"-fsanitize={sanitizer} -w -fno-omit-frame-pointer"
    environment = os.environ | DEBUG | {"CFLAGS": flags, "LDFLAGS": flags}
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace", "-j2"]
    subprocess.run(command, cwd=folder, env=environment, check=True)
    return folder / "src"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("sanitizer", LIBRARIES)
def test_threads_on_one_graph_run_clean(request: pytest.FixtureRequest, tmp_path: Path, sanitizer: str) -> None:
    preloaded = library(LIBRARIES[sanitizer])
    source = build(request.getfixturevalue("sources"), tmp_path, sanitizer)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(source), str(ROOT)],
        env=os.environ | OPTIONS | {"LD_PRELOAD": preloaded},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[:4000]
    assert done.stdout.startswith("asked")
