"""A network of compartments as data: species, and reactions whose rates are products of amounts, perhaps saturating."""

from dataclasses import dataclass

from gemel.core.errors import InputError

Change = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reaction:
    """rate = coefficient · Π reactants [/ (half + amount of `saturated`)]; each species of `change` gains its number times the rate.

    At most two reactants: none (a constant source), one (first order), two (mass action; a species may stand twice). `saturating` names
    the species and the coefficient K of the divisor K + amount (Michaelis & Menten 1913, Biochem Z 49:333). Amounts and rates are in
    whatever unit the coefficients are written for.
    """

    coefficient: str
    reactants: tuple[str, ...]
    change: Change
    saturating: tuple[str, str] | None = None


@dataclass(frozen=True)
class Network:
    """Species, the names of the coefficients, and reactions between the species.

    Raises InputError for a name that is given twice, a reaction that names what is not there, or a rate of third order.
    """

    species: tuple[str, ...]
    coefficients: tuple[str, ...]
    reactions: tuple[Reaction, ...]

    def __post_init__(self) -> None:
        for names, what in ((self.species, "species"), (self.coefficients, "coefficients")):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise InputError(f"{what} named twice: {', '.join(twice)}", where="Network", remedy="give each its own name")
        species, coefficients = set(self.species), set(self.coefficients)
        for reaction in self.reactions:
            _require_known(reaction, species, coefficients)


def transfer(source: str, target: str, coefficient: str) -> Reaction:
    """First order from one species to another."""
    return Reaction(coefficient, (source,), ((source, -1.0), (target, 1.0)))


def loss(source: str, coefficient: str) -> Reaction:
    """First order out of the system."""
    return Reaction(coefficient, (source,), ((source, -1.0),))


def binding(reactants: tuple[str, str], target: str, coefficient: str) -> Reaction:
    """Second order: one of each reactant becomes one of the target."""
    return Reaction(coefficient, reactants, ((reactants[0], -1.0), (reactants[1], -1.0), (target, 1.0)))


def _require_known(reaction: Reaction, species: set[str], coefficients: set[str]) -> None:
    named = {*reaction.reactants, *(name for name, _ in reaction.change)}
    constants = {reaction.coefficient}
    if reaction.saturating is not None:
        named.add(reaction.saturating[0])
        constants.add(reaction.saturating[1])
    strange = sorted(named - species) + sorted(constants - coefficients)
    if strange:
        raise InputError(f"a reaction that names {', '.join(strange)}", where="Network", remedy="list it among species or coefficients")
    if len(reaction.reactants) > 2:
        raise InputError(f"a rate of {len(reaction.reactants)} amounts", where=reaction.coefficient, remedy="split it into steps of two")
