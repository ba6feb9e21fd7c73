"""What a user can set, checked once, and where each value came from.

A value given as a flag wins over the environment (``CUSTSEG_MIN_SHARE``), that over the job file, that
over the default. The *identity* settings decide what is computed: two runs with the same identity over
the same input give the same answer. The others say how it is run or shown.
"""

from custseg.settings.settings import AUTO_K, Settings, memory_floor
from custseg.settings.sources import ENVIRONMENT_PREFIX, read_job, resolve

__all__ = ["AUTO_K", "ENVIRONMENT_PREFIX", "Settings", "memory_floor", "read_job", "resolve"]
