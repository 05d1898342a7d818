"""The policy: role × relation × purpose of use, read from one table; what the table does not say is denied."""

import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cache
from importlib import resources

RELATED, ANY = "related", "any"


@dataclass(frozen=True)
class Purpose:
    """What data are used for: the relations to a patient that make it lawful, and the actions that it covers."""

    words: str
    relations: frozenset[str]
    actions: frozenset[str]


@dataclass(frozen=True)
class Role:
    """What somebody of a role may do (`related` or `any`), and for what purposes."""

    purposes: frozenset[str]
    actions: Mapping[str, str]


@dataclass(frozen=True)
class Policy:
    """The table."""

    purposes: Mapping[str, Purpose]
    roles: Mapping[str, Role]

    @property
    def actions(self) -> frozenset[str]:
        """Every action that some role may take."""
        return frozenset(action for role in self.roles.values() for action in role.actions)


@dataclass(frozen=True)
class Asked:
    """A question to the policy: by roles, of relations to the patient (None: of no one patient), for a purpose (empty: any that fits)."""

    roles: tuple[str, ...]
    action: str
    relations: Set[str] | None
    purpose: str = ""


@cache
def policy() -> Policy:
    """The table as it is installed."""
    table = tomllib.loads(resources.files("gemel.service.security").joinpath("policy.toml").read_text())
    purposes = {
        name: Purpose(row["words"], frozenset(row["relations"]), frozenset(row["actions"])) for name, row in table["purposes"].items()
    }
    roles = {name: Role(frozenset(row.pop("purposes")), row) for name, row in table["roles"].items()}
    return Policy(purposes, roles)


def allowed_for(held: Policy, asked: Asked) -> str:
    """The purpose for which it is allowed; empty when it is denied."""
    tried = [asked.purpose] if asked.purpose else list(held.purposes)
    return next((purpose for purpose in tried if any(_grants(held, asked, role, purpose) for role in asked.roles)), "")


def purposes_of(held: Policy, roles: Iterable[str]) -> list[str]:
    """The purposes that roles may act for, in the order of the table."""
    may = {purpose for name in roles if name in held.roles for purpose in held.roles[name].purposes}
    return [purpose for purpose in held.purposes if purpose in may]


def _grants(held: Policy, asked: Asked, name: str, named: str) -> bool:
    role, purpose = held.roles.get(name), held.purposes.get(named)
    if role is None or purpose is None or named not in role.purposes or asked.action not in purpose.actions:
        return False
    reach = role.actions.get(asked.action)
    if reach == ANY:
        return True
    return reach == RELATED and (asked.relations is None or bool(purpose.relations & asked.relations))
