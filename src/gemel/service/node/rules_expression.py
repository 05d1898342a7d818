"""`when` of a rule: comparisons of DICOM attributes joined by and, or, not. Parsed into data; nothing is ever executed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from gemel.core.errors import InputError
from gemel.service.node.rules_match import compared

KEYWORDS = (
    *("PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate", "StudyTime"),
    *("AccessionNumber", "StudyDescription", "ReferringPhysicianName", "SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDate"),
    *("SeriesDescription", "BodyPartExamined", "FrameOfReferenceUID", "StationName", "Manufacturer", "SOPClassUID", "SourceAET"),
)
OPERATORS = ("=", "!=", "~", "!~", "<", "<=", ">", ">=", "in")
LONGEST, DEEPEST = 4000, 32
TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*'|\"[^\"]*\")|(?P<sign>!=|!~|<=|>=|[=~<>(),])|(?P<word>[^\s'\"=~<>!(),]+)|(?P<odd>\S))")
ALWAYS = "always"


@dataclass(frozen=True)
class Expression:
    """`head` is and, or, not, always, or an operator of `OPERATORS`; then `keyword` and `values` say what is compared with what."""

    head: str
    parts: tuple["Expression", ...] = ()
    keyword: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Token:
    """A word, a sign or a quoted text, and the column (from 0) where it begins."""

    text: str
    column: int
    quoted: bool = False


class SyntaxFault(Exception):
    """What is wrong at a column (from 0); `parsed` makes an InputError of it, a rule's file adds its line."""

    def __init__(self, column: int, found: str, remedy: str) -> None:
        self.column, self.found, self.remedy = column, found, remedy
        super().__init__(column, found, remedy)


def parsed(text: str, where: str = "when") -> Expression:
    """The expression. Raises InputError with the column (from 1) and what would be understood."""
    try:
        return parse(text)
    except SyntaxFault as fault:
        raise InputError(fault.found, where=f"{where}, column {fault.column + 1}", remedy=fault.remedy) from fault


def parse(text: str) -> Expression:
    """The expression. Raises SyntaxFault.

    any = all {"or" all}; all = one {"and" one};
    one = "not" one | "(" any ")" | "always" | KEYWORD operator value | KEYWORD "in" (value, …)
    """
    if len(text) > LONGEST:
        raise SyntaxFault(LONGEST, f"an expression of {len(text)} characters", f"keep it under {LONGEST}, or write several rules")
    tokens = list(_tokens(text))
    found, at = _any(tokens, 0, len(text), 0)
    if at < len(tokens):
        raise SyntaxFault(tokens[at].column, f"{tokens[at].text!r} after the end", "join comparisons with `and` or `or`")
    return found


def holds(expression: Expression, tags: Mapping[str, str]) -> bool:
    """Whether the expression is true of an object's attributes; an attribute that is missing is an empty text."""
    if expression.head == ALWAYS:
        return True
    if expression.head == "not":
        return not holds(expression.parts[0], tags)
    if expression.head in ("and", "or"):
        return (all if expression.head == "and" else any)(holds(part, tags) for part in expression.parts)
    return compared(tags.get(expression.keyword, ""), expression.head, expression.values)


def _tokens(text: str) -> Iterator[Token]:
    for match in TOKEN.finditer(text):
        kind = str(match.lastgroup)
        found, column = match.group(kind), match.start(kind)
        if kind == "odd":
            raise SyntaxFault(column, f"the sign {found!r}", "write comparisons as Modality=CT, texts as 'text' with both quotes")
        yield Token(found[1:-1], column, True) if kind == "text" else Token(found, column)


def _is(tokens: list[Token], at: int, word: str) -> bool:
    return at < len(tokens) and not tokens[at].quoted and tokens[at].text == word


def _any(tokens: list[Token], at: int, end: int, depth: int) -> tuple[Expression, int]:
    return _joined("or", tokens, at, end, depth)


def _joined(word: str, tokens: list[Token], at: int, end: int, depth: int) -> tuple[Expression, int]:
    """Parts joined by a word: those of `or` are joined by `and`."""
    parts = []
    while True:
        part, at = _joined("and", tokens, at, end, depth) if word == "or" else _one(tokens, at, end, depth)
        parts.append(part)
        if not _is(tokens, at, word):
            return (Expression(word, tuple(parts)) if len(parts) > 1 else part), at
        at += 1


def _one(tokens: list[Token], at: int, end: int, depth: int) -> tuple[Expression, int]:
    if depth > DEEPEST:
        raise SyntaxFault(tokens[at].column if at < len(tokens) else end, "too many brackets", f"nest at most {DEEPEST}")
    if _is(tokens, at, "not"):
        part, at = _one(tokens, at + 1, end, depth + 1)
        return Expression("not", (part,)), at
    if _is(tokens, at, "("):
        part, at = _any(tokens, at + 1, end, depth + 1)
        return part, _expected(")", tokens, at, end)
    if _is(tokens, at, ALWAYS):
        return Expression(ALWAYS), at + 1
    return _comparison(tokens, at, end)


def _comparison(tokens: list[Token], at: int, end: int) -> tuple[Expression, int]:
    keyword, at = _keyword(tokens, at, end), at + 1
    if at >= len(tokens) or tokens[at].quoted or tokens[at].text not in OPERATORS:
        column = tokens[at].column if at < len(tokens) else end
        raise SyntaxFault(column, f"no comparison after {keyword}", f"write one of {' '.join(OPERATORS)}")
    operator, at = tokens[at].text, at + 1
    if operator != "in":
        return Expression(operator, (), keyword, (_value(tokens, at, end),)), at + 1
    at, values = _expected("(", tokens, at, end), []
    while True:
        values.append(_value(tokens, at, end))
        at += 1
        if not _is(tokens, at, ","):
            return Expression(operator, (), keyword, tuple(values)), _expected(")", tokens, at, end)
        at += 1


def _keyword(tokens: list[Token], at: int, end: int) -> str:
    if at >= len(tokens):
        raise SyntaxFault(end, "an end where an attribute is expected", "write a comparison such as Modality=CT")
    text = tokens[at].text
    if text not in KEYWORDS:
        near = get_close_matches(text, KEYWORDS, 1)
        raise SyntaxFault(tokens[at].column, f"no attribute {text!r}", f"did you mean {near[0]}?" if near else f"use {', '.join(KEYWORDS)}")
    return text


def _value(tokens: list[Token], at: int, end: int) -> str:
    if at >= len(tokens):
        raise SyntaxFault(end, "an end where a value is expected", "write a word, or a text in quotes")
    if not tokens[at].quoted and (tokens[at].text in OPERATORS or tokens[at].text in "(),"):
        raise SyntaxFault(tokens[at].column, f"{tokens[at].text!r} where a value is expected", "write a word, or a text in quotes")
    return tokens[at].text


def _expected(sign: str, tokens: list[Token], at: int, end: int) -> int:
    if not _is(tokens, at, sign):
        column = tokens[at].column if at < len(tokens) else end
        raise SyntaxFault(column, f"no {sign!r}", f"close the brackets: write {sign!r} here")
    return at + 1
