"""gemel: digital twins made from medical images, that forecast, decide and learn. Research use, not a medical device."""

import os

__version__ = "0.1.0"

# Threads that wait should sleep: spinning ones slow every kernel several times on a machine that is shared. Must be set before they start.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
