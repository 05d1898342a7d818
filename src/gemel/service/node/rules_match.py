"""One comparison of a DICOM value: exact, by wildcards, by size."""


def compared(value: str, operator: str, wanted: tuple[str, ...]) -> bool:
    """Whether a value (several with \\ between them: any of them) is as wanted. `=` is exact; `~` knows * and ? and no case.

    `<` and its kin compare numbers where both are, else texts (dates as DICOM writes them); an empty value is neither more nor less.
    """
    values = [part.strip() for part in value.split("\\")]
    if operator in ("!=", "!~"):
        return not compared(value, operator[1:], wanted)
    if operator in ("=", "in"):
        return any(part in wanted for part in values)
    if operator == "~":
        return any(like(part, wanted[0]) for part in values)
    return any(_ordered(part, operator, wanted[0]) for part in values if part)


def like(value: str, pattern: str) -> bool:
    """Wildcard matching as in PS3.4 C.2.2.2.4, without regard to case: * is any text, ? any character. Linear in value × stars."""
    value, pattern = value.casefold(), pattern.casefold()
    v = p = after_star = 0
    star = -1
    while v < len(value):
        if p < len(pattern) and pattern[p] == "*":
            star, after_star, p = p, v, p + 1
        elif p < len(pattern) and pattern[p] in ("?", value[v]):
            v, p = v + 1, p + 1
        elif star >= 0:
            after_star += 1
            v, p = after_star, star + 1
        else:
            return False
    return not pattern[p:].strip("*")


def _ordered(value: str, operator: str, wanted: str) -> bool:
    sign = _sign(value, wanted)
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[operator]


def _sign(value: str, wanted: str) -> int:
    """-1, 0 or 1: numbers where both are, else texts."""
    if all(side.replace(".", "", 1).isdecimal() for side in (value, wanted)):
        return (float(value) > float(wanted)) - (float(value) < float(wanted))
    return (value > wanted) - (value < wanted)
