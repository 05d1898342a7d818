"""Answers about how forecasts stood up, and about models, cohorts and scanners."""

from dataclasses import dataclass
from typing import Any

from gemel.service.api.answers.pictures import ChartRow


@dataclass(frozen=True)
class LedgerLine:
    """Scores of one component: of a model's version, of one twin, or of one scanner (`of`). Coverage of the 90 %: Wilson's interval."""

    model: str
    version: str
    of: str
    component: str
    scans: int
    twins: int
    covered: float | None
    covered_low: float | None
    covered_high: float | None
    crps: float | None
    alarms: int
    p: float | None


@dataclass(frozen=True)
class TrustRow:
    """Evidence against uniform ranks of a model's version, and whether it may decide."""

    model: str
    version: str
    scans: int
    evidence: float | None
    trusted: bool


@dataclass(frozen=True)
class LeftOut:
    """A scan that does not count, and why."""

    twin: str
    version: int
    why: str


@dataclass(frozen=True)
class LedgerAnswer:
    """How the forecasts of a record stood up; `ranks` by "model component", each from 0 to 1, uniform for an honest model."""

    rows: list[LedgerLine]
    trust: list[TrustRow]
    left_out: list[LeftOut]
    ranks: dict[str, list[float]]


@dataclass(frozen=True)
class ScannedComponent:
    """A component of a scan within the 90 % that was forecast of it."""

    name: str
    low: float | None
    median: float | None
    high: float | None
    value: float | None
    sd: float | None
    rank: float | None
    alarm: bool


@dataclass(frozen=True)
class ScannedRow:
    """One scan."""

    at: str
    components: list[ScannedComponent]


@dataclass(frozen=True)
class TwinLedger:
    """The scans of one twin against their forecasts."""

    scans: list[ScannedRow]


@dataclass(frozen=True)
class ModelLine:
    """An installed model in short."""

    name: str
    model: str
    version: str
    title: str
    evidence: str
    conformance: str


@dataclass(frozen=True)
class Models:
    """Every installed model."""

    models: list[ModelLine]


@dataclass(frozen=True)
class ModelAnswer:
    """One model's card, as Markdown, and its last examination, as `gemel conform` keeps it."""

    name: str
    model: str
    version: str
    card_markdown: str
    references: list[str]
    planning: list[str]
    scans: list[str]
    conformance: dict[str, Any] | None


@dataclass(frozen=True)
class CohortLine:
    """A queue of tasks and how it stands."""

    name: str
    title: str
    waiting: int
    leased: int
    done: int
    failed: int


@dataclass(frozen=True)
class Cohorts:
    """Every cohort of the record."""

    cohorts: list[CohortLine]


@dataclass(frozen=True)
class ArmReadout:
    """Mean over patients with its 95 % interval, and the median and central 90 % of the patients."""

    unit: str
    mean: float | None
    low: float | None
    high: float | None
    median: float | None
    p05: float | None
    p95: float | None


@dataclass(frozen=True)
class ArmRow:
    """An arm of a trial."""

    name: str
    n: int
    plans: dict[str, int]
    readouts: dict[str, ArmReadout]


@dataclass(frozen=True)
class Difference:
    """Arm `a` less arm `b` of the loss, with the 95 % that holds for all differences at once."""

    a: str
    b: str
    readout: str
    unit: str
    difference: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class CohortAnswer(CohortLine):
    """One cohort; arms, differences and charts once all its tasks are done and they are a trial's."""

    system: str
    failures: list[str]
    arms: list[ArmRow]
    differences: list[Difference]
    charts: list[ChartRow]


@dataclass(frozen=True)
class Cause:
    """A cause of a fault, and its share of the probability."""

    name: str
    p: float | None


@dataclass(frozen=True)
class ScannerRow:
    """A scanner's twin; `lead_days`: median days until a limit is passed, null where none is in sight; `state`: ok, alarm or unknown."""

    id: str
    title: str
    state: str
    alarms: int
    p_fault: float | None
    lead_days: float | None
    lead_words: str
    causes: list[Cause]
    last_qc: str


@dataclass(frozen=True)
class Scanners:
    """The scanners of a record."""

    scanners: list[ScannerRow]
