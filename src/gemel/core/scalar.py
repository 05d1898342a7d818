"""One number, as Python or NumPy writes it."""

from typing import Any

import numpy as np

Scalar = float | int | np.floating[Any] | np.integer[Any]
