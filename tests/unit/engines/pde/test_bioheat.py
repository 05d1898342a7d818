"""What the heat solver refuses; power in time; perfusion that stops where tissue has died."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines.pde.bioheat import Heating, Perfused, bioheat
from gemel.engines.pde.domain import domain
from gemel.engines.pde.thermal_damage import Arrhenius

ON = domain(np.ones((3, 4, 5)), 1.0)


def test_what_cannot_be() -> None:
    with pytest.raises(RangeError, match="heat capacity not over 0"):
        bioheat(ON, Perfused(0.5, 0.0), Heating(), t_s=np.array([1.0]), dt_s=1.0)
    with pytest.raises(RangeError, match="perfusion that is negative"):
        bioheat(ON, Perfused(0.5, 1e6, -1.0), Heating(), t_s=np.array([1.0]), dt_s=1.0)
    with pytest.raises(RangeError, match="conductivity that is negative"):
        bioheat(ON, Perfused(lambda T, omega: -1.0 + 0 * T, 1e6), Heating(), t_s=np.array([1.0]), dt_s=1.0)
    for times, dt in (([2.0, 1.0], 1.0), ([1.0], 0.0), ([np.nan], 1.0)):
        with pytest.raises(RangeError, match="times or a step"):
            bioheat(ON, Perfused(0.5, 1e6), Heating(), t_s=np.array(times), dt_s=dt)
    with pytest.raises(RangeError, match="A of 0"):
        Arrhenius(0.0)


def test_heat_follows_its_course() -> None:
    """On for 10 s, off for 10 s: what is kept is what was given."""
    found = bioheat(ON, Perfused(0.5, 4e6), Heating(4e6, lambda a, b: 1.0 if b <= 10.0 else 0.0), t_s=np.array([10.0, 20.0]), dt_s=2.0)
    assert found.T_degC == pytest.approx(47.0, rel=1e-9)


def test_perfusion_that_stops_with_damage() -> None:
    """ω e^{−Ω}: heated until dead, tissue is hotter than where blood goes on to cool it."""
    heating, t = Heating(3e6), np.array([200.0])
    cooled = bioheat(ON, Perfused(0.5, 4e6, 3e4), heating, t_s=t, dt_s=5.0).T_degC
    dead = bioheat(ON, Perfused(0.5, 4e6, lambda T, omega: 3e4 * np.exp(-omega)), heating, t_s=t, dt_s=5.0)
    assert (dead.omega > 1).all()
    assert dead.T_degC.min() > cooled.max() + 5.0
