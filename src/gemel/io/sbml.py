"""Networks from SBML (Hucka et al. 2003, Bioinformatics 19:524; Level 3 Version 2 core, Hucka et al. 2019, J Integr Bioinform 16:20190021).

Read by libSBML (Bornstein et al. 2008, Bioinformatics 24:880; LGPL-2.1), an optional dependency: `pip install gemel[sbml]`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import libsbml  # type: ignore[import-untyped]
import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.expression import ONE, Expression, combined, evaluated
from gemel.core.image import Array
from gemel.core.network import Network, Reaction
from gemel.io.sbml_terms import Symbols, Term, constant, written_out


@dataclass(frozen=True)
class SbmlModel:
    """A network whose coefficients follow from named constants (parameters and compartment sizes, in the file's units).

    `formulas` of the coefficients, in the network's order; `constants` as given; `assigned` what the file computes at the start, species
    (as amounts) among them. Names are those of the file, with the compartment's in front where they would be ambiguous.
    """

    network: Network
    formulas: tuple[Expression, ...]
    constants: Mapping[str, float]
    assigned: Mapping[str, Expression]


def read_sbml(path: Path) -> SbmlModel:
    """The model in a file. Raises InputError for a file that is not SBML and for what a network cannot hold (events, rate rules, …)."""
    document = libsbml.readSBML(str(path))
    model = document.getModel()
    if model is None or document.getNumErrors(libsbml.LIBSBML_SEV_ERROR) or document.getNumErrors(libsbml.LIBSBML_SEV_FATAL):
        said = document.getError(0).getMessage().strip() if document.getNumErrors() else "no model"
        raise InputError(f"not a readable SBML model: {said}", where=str(path), remedy="validate the file")
    for option in ("expandFunctionDefinitions", "promoteLocalParameters"):
        properties = libsbml.ConversionProperties()
        properties.addOption(option, True)
        if document.convert(properties) != libsbml.LIBSBML_OPERATION_SUCCESS:
            document.checkConsistency()
            said = document.getError(0).getMessage().strip() if document.getNumErrors() else option
            raise InputError(f"an inconsistent SBML model: {said}", where=str(path), remedy="correct the file")
    _require_supported(model, path)
    names = _names(model)
    symbols = _symbols(model)
    reactions, formulas = _reactions(model, symbols, names)
    species = tuple(names[s.getId()] for s in model.getListOfSpecies() if s.getId() not in symbols.rules)
    network = Network(species, tuple(formulas), tuple(reactions))
    constants = {names[item.getId()]: _value(item) for item in (*model.getListOfParameters(), *model.getListOfCompartments())}
    return SbmlModel(network, tuple(formulas.values()), constants, _assigned(model, symbols, names))


def coefficients(model: SbmlModel, changed: Mapping[str, float | Array] | None = None) -> Float[Array, "draws coefficients"]:
    """The network's coefficients, some constants changed (to one number, or one a draw); what the file computes from them follows."""
    value = _lookup(model, changed or {})
    return _rows([evaluated(formula, value) for formula in model.formulas], changed or {})


def initial(model: SbmlModel, changed: Mapping[str, float | Array] | None = None) -> Float[Array, "draws species"]:
    """Amounts at the start, in the order of the network's species."""
    value = _lookup(model, changed or {})
    return _rows([value(name) for name in model.network.species], changed or {})


def _rows(columns: list[Array], changed: Mapping[str, float | Array]) -> Float[Array, "draws k"]:
    draws = max((np.size(number) for number in changed.values()), default=1)
    return np.stack([np.broadcast_to(column, draws) for column in columns], axis=1)


def _lookup(model: SbmlModel, changed: Mapping[str, float | Array]) -> Any:
    strange = sorted(set(changed) - set(model.constants) - set(model.assigned))
    if strange:
        raise InputError(f"no constant named {', '.join(strange)}", where="SBML model", remedy="see the model's constants")
    known = {name: np.asarray(number, dtype=np.float64) for name, number in changed.items()}

    def value(name: str) -> Array:
        if name not in known:
            known[name] = np.asarray(np.nan)  # a circle of assignments shows as NaN and is refused by the solver
            known[name] = evaluated(model.assigned[name], value) if name in model.assigned else np.asarray(model.constants[name])
        return known[name]

    return value


def _require_supported(model: Any, path: Path) -> None:
    rules = Counter(rule.getElementName() for rule in model.getListOfRules())
    found = {
        "events": model.getNumEvents(),
        "rate rules": rules["rateRule"],
        "algebraic rules": rules["algebraicRule"],
        "laws that are missing": sum(not reaction.isSetKineticLaw() for reaction in model.getListOfReactions()),
    }
    present = [f"{number} {what}" for what, number in found.items() if number]
    if present:
        raise InputError(", ".join(present), where=str(path), remedy="give doses to the solver, and write the rest as reactions")


def _names(model: Any) -> dict[str, str]:
    """Readable name of each id: the name, or compartment.name where several share one, or the id where that is not enough."""
    items = [*model.getListOfSpecies(), *model.getListOfParameters(), *model.getListOfCompartments()]
    short = {item.getId(): item.getName() or item.getId() for item in items}
    shared = Counter(short.values())
    for species in model.getListOfSpecies():
        if shared[short[species.getId()]] > 1:
            short[species.getId()] = f"{short[species.getCompartment()]}.{short[species.getId()]}"
    shared = Counter(short.values())
    return {i: name if shared[name] == 1 else i for i, name in short.items()}


def _symbols(model: Any) -> Symbols:
    """A species' symbol is its amount, or its amount over the size of its compartment."""
    species = {}
    for s in model.getListOfSpecies():
        size = ONE if s.getHasOnlySubstanceUnits() else combined("/", ONE, Expression(s.getCompartment()))
        species[s.getId()] = (Term(size, (s.getId(),)),)
    return Symbols(species, {rule.getVariable(): rule.getMath() for rule in model.getListOfRules()})


def _reactions(model: Any, symbols: Symbols, names: Mapping[str, str]) -> tuple[list[Reaction], dict[str, Expression]]:
    """A reaction for each term of each law, with the formulas of their coefficients by name."""
    fixed = {s.getId() for s in model.getListOfSpecies() if s.getBoundaryCondition() or s.getConstant()} | set(symbols.rules)
    reactions, formulas = [], {}
    for reaction in model.getListOfReactions():
        change: Counter[str] = Counter()
        for sign, references in ((-1, reaction.getListOfReactants()), (1, reaction.getListOfProducts())):
            for reference in references:
                change[reference.getSpecies()] += sign * reference.getStoichiometry()
        gained = tuple((names[s], float(n)) for s, n in change.items() if s not in fixed and n)
        for number, term in enumerate(written_out(reaction.getKineticLaw().getMath(), symbols)):
            name = f"{reaction.getId()}.{number}"
            formulas[name] = _renamed(term.coefficient, names)
            half = None
            if term.over:
                formulas[half := f"{name}.half"] = _renamed(term.over[1], names)
            over = (names[term.over[0]], half) if term.over and half else None
            reactions.append(Reaction(name, tuple(names[s] for s in term.species), gained, over))
    return reactions, formulas


def _assigned(model: Any, symbols: Symbols, names: Mapping[str, str]) -> dict[str, Expression]:
    """What the file computes at the start, species as amounts; there a species' symbol stands for its own start."""
    at_start = Symbols({}, symbols.rules)
    found = {a.getSymbol(): constant(written_out(a.getMath(), at_start)) for a in model.getListOfInitialAssignments()}
    for s in model.getListOfSpecies():
        as_amount = s.getHasOnlySubstanceUnits() or (s.getId() not in found and s.isSetInitialAmount())
        given = found.get(s.getId(), Expression(s.getInitialAmount() if s.isSetInitialAmount() else s.getInitialConcentration()))
        found[s.getId()] = given if as_amount else combined("*", given, Expression(s.getCompartment()))
    return {names[symbol]: _renamed(expression, names) for symbol, expression in found.items()}


def _renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    head = names.get(expression.head, expression.head) if isinstance(expression.head, str) else expression.head
    return Expression(head, tuple(_renamed(part, names) for part in expression.parts))


def _value(item: Any) -> float:
    return float(item.getSize() if isinstance(item, libsbml.Compartment) else item.getValue())
