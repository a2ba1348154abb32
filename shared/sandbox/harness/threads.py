"""What forked runs would otherwise share by accident: a number of threads, a state of randomness."""

import math
import sys

import _ctypes

from . import kernel

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads",
)


def count_for(cpu):
    return max(1, math.ceil(cpu))


def _loaded_blas():
    with open("/proc/self/maps", encoding="utf-8") as file:
        return {path for line in file if "openblas" in (path := line.rsplit(" ", 1)[-1].strip()) and path[0] == "/"}


def find_setters():
    """The functions that set the number of threads of every BLAS that is loaded: looked up before the fork."""
    found = []
    for path in _loaded_blas():
        library = _ctypes.dlopen(path, 0)
        for name in SETTERS:
            try:
                found.append(kernel.Function(_ctypes.dlsym(library, name)))
                break
            except OSError:
                continue
    return found


def set_count(cpu, setters):
    """BLAS was imported with one thread."""
    count = count_for(cpu)
    if count > 1:
        for set_threads in setters:
            set_threads(count)


def seed_afresh():
    """NumPy's own state of randomness was seeded at its import; Python's sees to itself."""
    random = sys.modules.get("numpy.random")
    if random is not None:
        random.seed()
