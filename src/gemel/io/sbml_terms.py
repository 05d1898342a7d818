"""Kinetic laws of SBML written out as sums of terms: a constant times at most a few species, perhaps over K + one species."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import libsbml  # type: ignore[import-untyped]

from gemel.core.errors import InputError
from gemel.core.expression import MINUS_ONE, ONE, Expression, combined

REMEDY = "gemel reads sums of products of species, over K + species at most; write the law so, or ask for this form"
NAMED = {libsbml.AST_FUNCTION_EXP: "exp", libsbml.AST_FUNCTION_LN: "ln", libsbml.AST_FUNCTION_ABS: "abs"} | {
    libsbml.AST_FUNCTION_MIN: "min",
    libsbml.AST_FUNCTION_MAX: "max",
}


@dataclass(frozen=True)
class Term:
    """coefficient · Π species [/ (over[1] + over[0])]."""

    coefficient: Expression
    species: tuple[str, ...] = ()
    over: tuple[str, Expression] | None = None


@dataclass(frozen=True)
class Symbols:
    """What a name in a law means: a species (its symbol written out by `species`), or a rule's law, else a constant."""

    species: Mapping[str, tuple[Term, ...]]
    rules: Mapping[str, Any]


def written_out(node: Any, symbols: Symbols) -> tuple[Term, ...]:
    """The law as a sum of terms. Raises InputError for forms that are not sums of products."""
    kind = node.getType()
    parts = [node.getChild(i) for i in range(node.getNumChildren())]
    if node.isNumber():
        return (Term(Expression(float(node.getValue()))),)
    if kind == libsbml.AST_NAME:
        return _named(node.getName(), symbols)
    if kind in SUMS:
        return SUMS[kind]([written_out(part, symbols) for part in parts])
    if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        return _power(written_out(parts[0], symbols), written_out(parts[1], symbols))
    if kind in NAMED:
        return (Term(combined(NAMED[kind], *(constant(written_out(part, symbols)) for part in parts))),)
    if kind == libsbml.AST_FUNCTION_ROOT and len(parts) in (1, 2):
        return (Term(combined("sqrt", constant(written_out(parts[-1], symbols)))),)
    raise InputError(f"the form {libsbml.formulaToL3String(node)!r}", where="kinetic law", remedy=REMEDY)


def constant(terms: tuple[Term, ...]) -> Expression:
    """The terms as one expression. Raises InputError when a species is among them."""
    if any(term.species or term.over for term in terms):
        raise InputError("a species within a function, a power or a divisor", where="kinetic law", remedy=REMEDY)
    expressions = [term.coefficient for term in terms] or [Expression(0.0)]
    return expressions[0] if len(expressions) == 1 else combined("+", *expressions)


def _named(name: str, symbols: Symbols) -> tuple[Term, ...]:
    if name in symbols.rules:
        return written_out(symbols.rules[name], symbols)
    return symbols.species.get(name, (Term(Expression(name)),))


def _plus(parts: list[tuple[Term, ...]]) -> tuple[Term, ...]:
    return tuple(term for part in parts for term in part)


def _minus(parts: list[tuple[Term, ...]]) -> tuple[Term, ...]:
    taken = tuple(Term(combined("*", MINUS_ONE, t.coefficient), t.species, t.over) for t in parts[-1])
    return taken if len(parts) == 1 else (*parts[0], *taken)


def _times(parts: list[tuple[Term, ...]]) -> tuple[Term, ...]:
    product: tuple[Term, ...] = (Term(ONE),)
    for part in parts:
        product = tuple(_product(a, b) for a in product for b in part)
    return product


def _product(a: Term, b: Term) -> Term:
    if a.over and b.over:
        raise InputError("two divisors with species", where="kinetic law", remedy=REMEDY)
    return Term(combined("*", a.coefficient, b.coefficient), a.species + b.species, a.over or b.over)


def _divided(parts: list[tuple[Term, ...]]) -> tuple[Term, ...]:
    above, below = parts
    varying = [term for term in below if term.species or term.over]
    fixed = constant(tuple(term for term in below if term not in varying))
    if not varying:
        return _times([above, (Term(combined("/", ONE, fixed)),)])
    if len(varying) > 1 or len(varying[0].species) > 1 or varying[0].over:
        raise InputError("a divisor with more than one species", where="kinetic law", remedy=REMEDY)
    slope = varying[0].coefficient
    over = (varying[0].species[0], combined("/", fixed, slope))
    return _times([above, (Term(combined("/", ONE, slope), (), over),)])


def _power(base: tuple[Term, ...], exponent: tuple[Term, ...]) -> tuple[Term, ...]:
    number = constant(exponent)
    if not any(term.species or term.over for term in base):
        return (Term(combined("^", constant(base), number)),)
    if number.head not in (1.0, 2.0):
        raise InputError("a power of a species other than 1 or 2", where="kinetic law", remedy=REMEDY)
    return _times([base] * int(float(number.head)))


SUMS: Mapping[int, Callable[[list[tuple[Term, ...]]], tuple[Term, ...]]] = {
    libsbml.AST_PLUS: _plus,
    libsbml.AST_MINUS: _minus,
    libsbml.AST_TIMES: _times,
    libsbml.AST_DIVIDE: _divided,
}
