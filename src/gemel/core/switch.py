"""Yes or no as a caller gives it: a truth value, or refused with the argument's name."""

from gemel.core.errors import InputError


def switch(value: object, name: str) -> bool:
    """`value`, which must be true or false: text such as `no` is neither, and would count as yes. Raises InputError."""
    if not isinstance(value, bool):
        raise InputError(f"{name} = {value!r}"[:80], where=name, remedy=f"write {name}=true or {name}=false")
    return value
