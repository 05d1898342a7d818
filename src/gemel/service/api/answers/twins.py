"""Answers about twins as a whole."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TwinRow:
    """A twin in the list. `alarms`: scans that were not as forecast; `subject`: the pseudonymous key of whose twin it is."""

    id: str
    system: str
    title: str
    badge: str
    version: int
    subject: str
    last_scan: str
    next_at: str
    alarms: int
    tainted: bool
    taint_words: str
    started: str
    url: str


@dataclass(frozen=True)
class Twins:
    """A page of the list; `total`: how many there are in all that the caller may see."""

    total: int
    twins: list[TwinRow]


@dataclass(frozen=True)
class Expectation:
    """Median and 90 % interval of a component of what the next scan should show."""

    name: str
    median: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Given:
    """A readout of what was given so far, as registered, with the 90 % interval of its draws, and of the course if the rest is alike."""

    name: str
    registered: float | None
    low: float | None
    high: float | None
    course: float | None


@dataclass(frozen=True)
class Alarm:
    """A scan that was not as forecast."""

    at: str
    words: str


@dataclass(frozen=True)
class TwinOverview:
    """A twin in short: state, badge, forecast for the next interval, what was given. `versions`: how many the record holds."""

    id: str
    system: str
    title: str
    badge: str
    version: int
    versions: int
    at: str
    belief: str
    next_at: str
    expected: list[Expectation]
    notes: list[str]
    parts: int
    planned: int
    delivered: list[Given]
    alarms: list[Alarm]
    tainted: bool
    taint_words: str


@dataclass(frozen=True)
class EventRow:
    """An entry of the record. `at`: the time it speaks of; `counts`: false for what was withdrawn or rests on it."""

    version: int
    kind: str
    at: str
    known_at: str
    actor: str
    words: str
    counts: bool
    hash: str


@dataclass(frozen=True)
class Events:
    """The record of one twin, oldest first."""

    events: list[EventRow]


@dataclass(frozen=True)
class MovedRow:
    """A parameter, or a component of what the next scan should show, of which something else is believed than before."""

    name: str
    of: str
    unit: str
    mean: float | None
    sd: float | None
    mean_now: float | None
    sd_now: float | None
    moved_sd: float | None
    because: str


@dataclass(frozen=True)
class RankedRow:
    """A plan whose place among the options changed; place 0: not among them."""

    plan: str
    place: int
    place_now: int
    utility: float | None
    utility_now: float | None


@dataclass(frozen=True)
class DiffAnswer:
    """What changed between two versions; `entries` and `fallen` are [time, kind, words]."""

    twin: str
    version: int
    version_now: int
    badge: str
    badge_now: str
    moved: list[MovedRow]
    entries: list[list[str]]
    fallen: list[list[str]]
    recommended: str
    recommended_now: str
    plans: list[RankedRow]
    alarms: list[str]
    scored: int
    within: int
