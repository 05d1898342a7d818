"""`[[rule]]`, `[[destination]]`, `[[peer]]` and `[node]` of the service's TOML file; faults are told with line and column."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gemel.core.errors import InputError
from gemel.service.node.rules import ACTS, EVENTS, KINDS, NEXT, OF_PATIENT, Destination, Peer, Routing, Rule
from gemel.service.node.rules_expression import Expression, SyntaxFault, parse, parsed

SECTIONS = ("rule", "destination", "peer", "node")
MOST_BYTES = 1 << 20
AET = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")


@dataclass(frozen=True)
class Entry:
    """One table of the file: its section, its number from 0, what it says, and the file's name and text."""

    section: str
    number: int
    says: Mapping[str, Any]
    file: str
    text: str

    def where(self, key: str = "", column: int | None = None) -> str:
        """File and line of a key (of the table where it is not there), and the column within a text's value."""
        line, start = _line_of(self.text, self.section, self.number, key)
        at = f", column {start + column + 1}" if column is not None else ""
        return f"{self.file}, line {line}{at}"

    def refuse(self, found: str, remedy: str, key: str = "") -> InputError:
        """What is wrong with a key, to be raised."""
        return InputError(found, where=self.where(key), remedy=remedy)


def read_routing(path: str | Path) -> Routing:
    """The node's part of a configuration file. Raises InputError with line, and column where a rule cannot be read."""
    file = Path(path)
    if not file.is_file():
        raise InputError("no configuration file", where=str(path), remedy="name a TOML file")
    if file.stat().st_size > MOST_BYTES:
        raise InputError(f"a configuration of {file.stat().st_size} bytes", where=str(path), remedy=f"keep it under {MOST_BYTES}")
    try:
        text = file.read_text(encoding="utf-8")
        return routing_of(tomllib.loads(text), str(path), text)
    except UnicodeDecodeError as error:
        raise InputError("bytes that are not UTF-8", where=str(path), remedy="save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"TOML that cannot be read: {error}", where=str(path), remedy="correct that line (toml.io)") from error


def routing_of(says: Mapping[str, Any], file: str = "configuration", text: str = "") -> Routing:
    """The node's sections of a configuration that is read already; other sections are left to others."""
    entries = {name: _entries(name, says.get(name, []), file, text) for name in SECTIONS[:3]}
    routing = _routing(Entry("node", 0, _table(says.get("node", {}), "node", file), file, text))
    destinations = tuple(_destination(entry) for entry in entries["destination"])
    rules = tuple(_rule(entry, {d.name for d in destinations}) for entry in entries["rule"])
    peers = tuple(_peer(entry, _known(entry, PEER)) for entry in entries["peer"])
    if routing.get("known_peers_only") and not any(peer.aet for peer in (*peers, *(to.peer for to in destinations))):
        where = Entry("node", 0, says["node"], file, text)
        raise where.refuse("known_peers_only without a peer", "name who may call as [[peer]], or leave it out", "known_peers_only")
    for section, names in (
        ("destination", [d.name for d in destinations]),
        ("rule", [r.name for r in rules]),
        ("peer", [p.name for p in peers]),
    ):
        _require_apart(names, entries[section])
    return Routing(rules, destinations, peers, **routing)


def _entries(name: str, found: Any, file: str, text: str) -> list[Entry]:
    if not isinstance(found, list):
        raise InputError(f"[{name}] that is one table", where=file, remedy=f"write [[{name}]] with two brackets, once for each")
    return [Entry(name, i, _table(table, name, file), file, text) for i, table in enumerate(found)]


def _table(found: Any, name: str, file: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InputError(f"{name} that is no table", where=file, remedy=f"write [{name}] and below it key = value")
    return found


def _require_apart(names: list[str], entries: list[Entry]) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            raise entries[i].refuse(f"a second {entries[i].section} called {name!r}", "give each its own name", "name")


def _known(entry: Entry, keys: Mapping[str, type]) -> dict[str, Any]:
    """The table's values, each of its type. Raises InputError for a key that is not known, with the nearest that is."""
    for key, value in entry.says.items():
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            raise entry.refuse(
                f"an unknown key {key!r} in [{entry.section}]", f"did you mean {near[0]}?" if near else f"use {', '.join(keys)}", key
            )
        wanted = (int, float) if keys[key] is float else keys[key]
        if not isinstance(value, wanted) or (isinstance(value, bool) and keys[key] is not bool):
            raise entry.refuse(f"{key} = {value!r}", f"give {WORDS[keys[key]]}", key)
    return dict(entry.says)


WORDS: Mapping[type, str] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list of texts",
    dict: 'a table: {ct = "Modality=CT"}',
}
PEER: Mapping[str, type] = {"name": str, "aet": str, "host": str, "port": int, "tls": bool, "networks": list, "certificate": str}
DESTINATION: Mapping[str, type] = {**PEER, "url": str, "send": list, "commit": bool, "systems": list}
RULE: Mapping[str, type] = {
    **dict.fromkeys(("name", "when", "then", "twin", "system", "kind"), str),
    **dict.fromkeys(("to", "and_then"), list),
    "objects": int,
    **dict.fromkeys(("beside", "options", "names"), dict),
}
ROUTING: Mapping[str, type] = {
    "settle_s": float,
    "attempts": int,
    "retry_s": float,
    "longest_s": float,
    "results_after": list,
    "known_peers_only": bool,
    "limits": dict,
}
BOUNDS: Mapping[str, tuple[float, float]] = {
    "settle_s": (0.1, 86400),
    "attempts": (1, 100),
    "retry_s": (0.1, 86400),
    "longest_s": (0.1, 604800),
}


def _routing(entry: Entry) -> dict[str, Any]:
    given = {key: value for key, value in _known(entry, ROUTING).items() if key != "limits"}  # those are read by `limits_read`
    for key, (low, high) in BOUNDS.items():
        if key in given and not low <= given[key] <= high:
            raise entry.refuse(f"{key} = {given[key]}", f"give a number from {low:g} to {high:g}", key)
    if "results_after" in given:
        given["results_after"] = _texts(entry, "results_after")
        if strange := set(given["results_after"]) - set(EVENTS):
            raise entry.refuse(f"results after {min(strange)!r}", f"use {', '.join(EVENTS)}", "results_after")
    return {key: float(value) if ROUTING[key] is float else value for key, value in given.items()}


def _peer(entry: Entry, given: Mapping[str, Any]) -> Peer:
    for key in ("aet", "host", "port"):
        if key not in given:
            raise entry.refuse(f"a {entry.section} without {key}", f"write {key} = …")
    more = {"networks": _texts(entry, "networks"), "certificate": given.get("certificate", "")}
    found = Peer(given["aet"], given["host"], given["port"], given.get("tls", False), given.get("name", given["aet"]), **more)
    return checked_peer(found, entry.refuse)


def checked_peer(found: Peer, refuse: Callable[[str, str], InputError]) -> Peer:
    """The peer itself. Raises what `refuse(found, remedy)` makes of a title, host or port that cannot be."""
    if not AET.fullmatch(found.aet) or not found.aet.strip():
        raise refuse(f"an AE title {found.aet!r}", "give 1 to 16 printable characters without backslash (PS3.5 §6.2, AE)")
    if not found.host or re.search(r"[\s/]", found.host):
        raise refuse(f"a host {found.host!r}", "give a name or an address")
    if not 0 < found.port < 65536:
        raise refuse(f"port {found.port}", "give a number from 1 to 65535")
    return found


def _destination(entry: Entry) -> Destination:
    given = _known(entry, DESTINATION)
    send = _texts(entry, "send") if "send" in given else Destination.send
    for kind in send:
        if kind not in KINDS:
            raise entry.refuse(f"an object of kind {kind!r}", f"use {', '.join(KINDS)}", "send")
    url = given.get("url", "")
    if url and not url.startswith(("http://", "https://")):
        raise entry.refuse(f"url = {url!r}", "begin with https:// or http://", "url")
    if url and "name" not in given:
        raise entry.refuse("a destination without a name", "write name = …", "url")
    found = Peer("", "", 0, name=given["name"]) if url else _peer(entry, given)
    return Destination(found, url, send, given.get("commit", not url), _texts(entry, "systems"))


def _rule(entry: Entry, destinations: set[str]) -> Rule:
    given = _known(entry, RULE)
    for key in ("when", "then"):
        if key not in given:
            raise entry.refuse(f"a rule without {key}", f"write {key} = …")
    if given["then"] not in ACTS:
        raise entry.refuse(f"then = {given['then']!r}", f"use {', '.join(ACTS)}", "then")
    to = _texts(entry, "to")
    for name in to:
        if name not in destinations:
            raise entry.refuse(
                f"a destination {name!r} that is not there", f"name one of {', '.join(sorted(destinations)) or '[[destination]]'}", "to"
            )
    _require_whole(entry, given, to)
    return Rule(
        name=given.get("name", f"rule {entry.number + 1}"),
        when=_expression(entry, "when", given["when"]),
        then=given["then"],
        text=given["when"],
        twin=given.get("twin", OF_PATIENT),
        system=given.get("system", ""),
        kind=given.get("kind", ""),
        to=to,
        objects=given.get("objects", 0),
        beside=tuple((kind, _beside(entry, text)) for kind, told in given.get("beside", {}).items() for text in _several(told)),
        and_then=_texts(entry, "and_then"),
        options=given.get("options", {}),
        names=given.get("names", {}),
    )


def _require_whole(entry: Entry, given: Mapping[str, Any], to: tuple[str, ...]) -> None:
    if given["then"] == "forward" and not to:
        raise entry.refuse("a rule that forwards to nobody", "write to = [names of destinations]", "then")
    if given["then"] == "new" and not given.get("system"):
        raise entry.refuse("a rule that makes a twin of no system", "write system = …, `gemel models` lists them", "then")
    if given["then"] in ("observe", "new") and not given.get("kind"):
        raise entry.refuse("a rule that does not say what kind of input comes", 'write kind = "cbct", or what `gemel twin` takes', "then")
    for verb in _texts(entry, "and_then"):
        if verb not in NEXT:
            raise entry.refuse(f"{verb!r} after it", f"use {', '.join(NEXT)}: giving a plan is a person's", "and_then")
    if not all(isinstance(name, str) for name in given.get("names", {}).values()):
        raise entry.refuse("a name that is no text", 'write names = {"Prostata" = "prostate"}', "names")
    if given.get("objects", 0) < 0:
        raise entry.refuse(f"objects = {given['objects']}", "give the number of objects of a whole series, or leave it out", "objects")


def _several(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]


def _beside(entry: Entry, text: Any) -> Expression:
    if not isinstance(text, str):
        raise entry.refuse(f"beside = {text!r}", "give each kind a condition in quotes", "beside")
    return parsed(text, entry.where("beside"))


def _expression(entry: Entry, key: str, text: str) -> Expression:
    try:
        return parse(text)
    except SyntaxFault as fault:
        raise InputError(fault.found, where=entry.where(key, fault.column), remedy=fault.remedy) from fault


def _texts(entry: Entry, key: str) -> tuple[str, ...]:
    found = entry.says.get(key, [])
    if not all(isinstance(item, str) for item in found):
        raise entry.refuse(f"{key} = {found!r}", "give a list of texts", key)
    return tuple(found)


def _line_of(text: str, section: str, number: int, key: str) -> tuple[int, int]:
    """Line (from 1) of a key of the number-th table of a section, and the column (from 0) where its text begins."""
    lines = text.splitlines()
    heads = [i for i, line in enumerate(lines) if re.match(rf"\s*\[\[?\s*{section}\s*\]", line)]
    if number >= len(heads):
        return 1, 0
    for i, line in enumerate(lines[heads[number] + 1 :], heads[number] + 1):
        if re.match(r"\s*\[\[?\s*[A-Za-z]", line):
            break
        if found := re.match(rf"\s*{re.escape(key)}\s*=\s*(\"\"\"|'''|\[\s*\"|\"|')?", line) if key else None:
            return i + 1, found.end()
    return heads[number] + 1, 0
