"""Smaller problems for the most part of a search: on what still matters near a plan, and on an even part of the rows."""

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from gemel.core.image import Array
from gemel.engines.optimise.packing import selected
from gemel.engines.optimise.problem import Problem, dose_Gy
from gemel.engines.optimise.products import Terms
from gemel.engines.optimise.stacking import evenly

MARGIN_Gy = 1.0  # a row this far below every dose that it is penalised above is left out of the next stage of a search
ROWS_A_SPOT = 6.0  # limiting rows that a first search looks at in each scenario; with fewer, spots find the gaps between them
WORTH = 0.5  # share of the limiting rows above which a first search on them would save too little


def shrunk(problem: Problem, weights: Float[Array, "spots"], spots: Int[Array, "some"]) -> Problem:
    """The same problem on fewer spots, the others staying at zero, without the rows that are far from being penalised.

    Its value is the problem's as long as these rows gain no more than MARGIN_Gy.
    """
    keep = _near_a_penalty(problem.terms, dose_Gy(problem, weights))
    for at in _judged_together(problem):
        keep[at] = True
    return _with_rows(problem, keep, spots)


def _judged_together(problem: Problem) -> list[Int[Array, "n"]]:
    return [one.at for one in problem.regional] + [one.at for one in problem.held]


def _with_rows(problem: Problem, keep: Bool[Array, "rows"], spots: Int[Array, "some"]) -> Problem:
    position = np.cumsum(keep) - 1
    ends = tuple(int(np.count_nonzero(keep[:end])) for end in problem.ends)
    return replace(
        problem,
        rows=selected(problem.rows, keep, spots),
        ends=ends,
        terms=replace(problem.terms, kind=problem.terms.kind[keep]),
        regional=tuple(replace(one, at=position[one.at]) for one in problem.regional),
        held=tuple(replace(one, at=position[one.at]) for one in problem.held),
    )


def _near_a_penalty(terms: Terms, dose: Float[Array, "rows"]) -> Bool[Array, "rows"]:
    """Rows penalised below a dose, or within the margin of one that they are penalised above."""
    return np.asarray(dose > _lowest_of_kinds(terms)[terms.kind] - MARGIN_Gy)


def _lowest_of_kinds(terms: Terms) -> Float[Array, "kinds"]:
    """The dose above which each kind of row is penalised; −∞ where it is so below some dose too."""
    return np.array([_lowest(terms, slice(a, b)) for a, b in zip(terms.start[:-1], terms.start[1:])])


def _lowest(terms: Terms, of: slice) -> float:
    return -np.inf if (terms.under[of] > 0).any() else float(terms.level_Gy[of].min(initial=np.inf))


def coarse(problem: Problem) -> Problem | None:
    """The problem with an even part of the rows that are only penalised above a dose, each counting for more; None where that saves little.

    Its minimum is near the problem's, and a good place to go on from.
    """
    limiting = np.isneginf(_lowest_of_kinds(problem.terms)) == 0
    thin = limiting[problem.terms.kind]
    for at in _judged_together(problem):
        thin[at] = False
    wanted = ROWS_A_SPOT * problem.n_spots * len(problem.ends)
    share = wanted / max(int(np.count_nonzero(thin)), 1)
    if share > WORTH:
        return None
    keep = ~thin | evenly(problem.rows.voxel, share * problem.sampled)
    kinds = problem.terms.start.size - 1
    before, after = (np.bincount(problem.terms.kind[rows], minlength=kinds) for rows in (thin, thin & keep))
    factor = np.where(after > 0, before / np.maximum(after, 1), 1.0)
    by_term = np.repeat(np.where(limiting, factor, 1.0), np.diff(problem.terms.start))
    less = _with_rows(problem, keep, np.arange(problem.n_spots))
    return replace(less, terms=replace(less.terms, over=less.terms.over * by_term))
