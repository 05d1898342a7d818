"""The peer's side of gamma_index.py, in an interpreter with pymedphys 0.41 and numba: gamma_index_peer.py '[case, criteria, repeats]'."""

import json
import sys
import warnings

import numpy as np
from gamma_index import CUTOFF_PCT, LARGEST, PARTS, pair, rate_pct, timed

warnings.simplefilter("ignore")


def main(case, criteria, repeats):
    import pymedphys

    reference, evaluated = pair(*case)
    axes = tuple(np.arange(case[0]) * s for s in case[1])
    settings = {"lower_percent_dose_cutoff": CUTOFF_PCT, "interp_fraction": PARTS, "max_gamma": LARGEST, "quiet": True}
    call = lambda: pymedphys.gamma(axes, reference, axes, evaluated, *criteria, **settings)  # noqa: E731
    gamma, wall_s, cpu_s = timed(call, repeats)
    print(
        json.dumps(
            {
                "rate": rate_pct(gamma),
                "mean": float(np.nanmean(gamma)),
                "judged": int(np.isfinite(gamma).sum()),
                "wall_s": wall_s,
                "cpu_s": cpu_s,
            }
        )
    )


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
