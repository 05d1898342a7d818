"""A dry run: what the rules would do with a file or a series, and why. Nothing is sent, asked or written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gemel.core.errors import InputError
from gemel.io.prescan import scan
from gemel.service.archive import Archive
from gemel.service.node.routing import digest_of, in_quarantine, seen_in
from gemel.service.node.routing_decide import Seen, Verdict, decided
from gemel.service.node.rules import Routing
from gemel.service.node.rules_expression import holds
from gemel.store import Store


@dataclass(frozen=True)
class Explained:
    """What is looked at, each rule with whether it holds, the rule that acts, destinations that it is forwarded to, and the verdict."""

    what: str
    rules: tuple[tuple[str, str, bool], ...]
    acts: str
    forwards: tuple[str, ...]
    verdict: Verdict


def explained(seen: Seen, routing: Routing, store: Store) -> Explained:
    """The verdict with what led to it."""
    verdict, chosen = decided(seen, routing, store)
    rows = tuple((rule.name, rule.text, holds(rule.when, seen.tags)) for rule in routing.rules)
    forwards = tuple(sorted({name for rule in chosen.forwards for name in rule.to}))
    return Explained(seen.series, rows, chosen.rule.name if chosen.rule else "", forwards, verdict)


def seen_in_files(paths: Sequence[Path]) -> list[Seen]:
    """The series of some DICOM files, as if they had just settled. Raises InputError for a file that the node would refuse."""
    tags: dict[str, dict[str, str]] = {}
    uids: dict[str, list[str]] = {}
    for path in paths:
        found = scan(path.read_bytes(), where=str(path))
        named = {"StudyInstanceUID": found.study_instance_uid, "SeriesInstanceUID": found.series_instance_uid}
        tags.setdefault(found.series_instance_uid, dict(found.tags) | named | {"SOPClassUID": found.sop_class_uid})
        uids.setdefault(found.series_instance_uid, []).append(found.sop_instance_uid)
    return [Seen(told, digest_of(uids[series]), len(uids[series]), 0.0, list(tags.values())) for series, told in tags.items()]


def seen_in_archive(archive: Archive, series: str) -> Seen:
    """A series that the archive holds. Raises InputError when there is none."""
    rows = archive.find("series", {"SeriesInstanceUID": series}, limit=1)
    if not rows:
        raise InputError(f"no series {series[:64]}", where="the archive", remedy="send it first, or name a file")
    return seen_in(archive, rows[0], in_quarantine(archive))
