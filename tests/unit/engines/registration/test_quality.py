from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, exponential, folding, inverse_error_mm, pull, quality


def test_a_diffeomorphism_does_not_fold_and_twice_its_slope_does(filling: DisplacementField) -> None:
    good = exponential(filling)
    folded = replace(good, vectors_mm=-8 * good.vectors_mm)
    assert folding(good) == 0
    assert folding(folded) > 0.01
    assert inverse_error_mm(good) < 0.05 < 1.0 < inverse_error_mm(folded)


def test_the_right_field_looks_better_than_none(planning: Image, filling: DisplacementField, scan: Callable[..., Image]) -> None:
    field = exponential(filling)
    day = scan(pull(planning, field), np.random.default_rng(2))
    right, none = (quality(day, planning, f) for f in (field, replace(field, vectors_mm=0 * field.vectors_mm)))
    assert right.similarity > none.similarity + 0.02
    assert right.rest_HU < none.rest_HU
    assert 0.6 < right.compared < 1.0
    assert right.largest_mm > 8
