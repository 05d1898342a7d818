"""What the command line prints of examinations and of the ledger."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel.core.card import Examination
from gemel.flow.conformance.pages import cells, verdict
from gemel.flow.ledger import LedgerRow, Trust

COLOURS = {"pass": "[green]pass[/]", "FAIL": "[bold red]FAIL[/]"}


def conform_table(done: Examination) -> RenderableType:
    """The evidence table, and the verdict in one sentence."""
    table = Table("section", "line", "number", "95 % interval", "", "criterion", title=f"{done.model} {done.version}")
    for section, line, criterion, number, interval, passed, note in map(cells, done.table):
        row = (section, line, number, interval, COLOURS.get(passed, passed), f"{criterion}; {note}" if note else criterion)
        table.add_row(*(cell if cell in COLOURS.values() else escape(cell) for cell in row))
    return Group(table, escape(verdict(done)))


def ledger_table(rows: Sequence[LedgerRow], standing: Sequence[Trust], left_out: Sequence[tuple[str, int, str]]) -> RenderableType:
    """Ranks, coverage and scores by component; the standing of each model; what does not count."""
    table = Table("of", "what", "scans", "twins", "90 % covers", "CRPS", "alarms", "p (uniform)")
    for row in rows:
        covered = f"{row.covered:.0%} ({row.covered_low:.0%}–{row.covered_high:.0%})"
        counts = (str(row.scans), str(row.twins), covered, f"{row.crps:.3g}", str(row.alarms), f"{row.p:.2g}")
        table.add_row(escape(row.of), escape(row.component), *counts)
    words = [
        f"{f'{t.model} {t.version}'.strip()}: {_stands(t)} (evidence {t.evidence:.3g} against uniform ranks, {t.scans} scans)"
        for t in standing
    ]
    missing = [f"[yellow]left out[/]: {escape(twin)} version {version}, {why}" for twin, version, why in left_out]
    return Group(table, *words, *missing)


def _stands(standing: Trust) -> str:
    return "may decide" if standing.trusted else "[bold red]may not decide without --override REASON[/]"
