"""Where tasks run: here in threads, or on the workers of a Dask cluster. No stage knows which.

A task is a function of one small item. What else it needs is bound to it (`functools.partial`) or lies in
files that every worker sees; what it makes goes into files too, and only a small result comes back.
"""

from custseg.running.compute.base import PROGRAM, Compute, Resources
from custseg.running.compute.here import HERE, TASKS, Here
from custseg.running.compute.opening import foresee, open_compute

__all__ = ["HERE", "PROGRAM", "TASKS", "Compute", "Here", "Resources", "foresee", "open_compute"]
