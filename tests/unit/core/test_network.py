"""A network of compartments refuses what it cannot mean."""

import pytest

from gemel.core.errors import InputError
from gemel.core.network import Network, Reaction, binding, loss, transfer


def test_reactions_say_what_they_change():
    assert transfer("a", "b", "k").change == (("a", -1.0), ("b", 1.0))
    assert loss("a", "k").change == (("a", -1.0),)
    assert binding(("a", "b"), "c", "k").change == (("a", -1.0), ("b", -1.0), ("c", 1.0))


@pytest.mark.parametrize(
    ("reaction", "said"),
    [
        (transfer("a", "z", "k"), "z"),
        (loss("a", "q"), "q"),
        (Reaction("k", ("a",), (("a", -1.0),), ("a", "K")), "K"),
        (Reaction("k", ("a", "a", "b"), (("a", -1.0),)), "rate of 3 amounts"),
    ],
)
def test_unknown_names_and_third_order_are_refused(reaction, said):
    with pytest.raises(InputError, match=said):
        Network(("a", "b"), ("k",), (reaction,))


def test_names_given_twice_are_refused():
    with pytest.raises(InputError, match="species named twice: a"):
        Network(("a", "a"), ("k",), ())
