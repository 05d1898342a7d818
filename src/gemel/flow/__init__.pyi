from gemel.flow.act import act
from gemel.flow.adapt import adapt
from gemel.flow.check import check
from gemel.flow.conform import conform
from gemel.flow.decide import decide
from gemel.flow.demos import demo, demos
from gemel.flow.diff import Diff, diff, diff_times
from gemel.flow.erasing import erase
from gemel.flow.exporting import Deidentified, Exported, export
from gemel.flow.ledger import ledger
from gemel.flow.loading import Loaded, load
from gemel.flow.models import models
from gemel.flow.new import begin, new, planning
from gemel.flow.observe import observe
from gemel.flow.prepare import prepare
from gemel.flow.promote import Prior, promote
from gemel.flow.recompute import recompute
from gemel.flow.replaying import replay
from gemel.flow.report import report
from gemel.flow.retract import Retraction, retract
from gemel.flow.session import open_session
from gemel.flow.show import show

__all__ = [
    "Deidentified",
    "Diff",
    "Exported",
    "Loaded",
    "Prior",
    "Retraction",
    "act",
    "adapt",
    "begin",
    "check",
    "conform",
    "decide",
    "demo",
    "demos",
    "diff",
    "diff_times",
    "erase",
    "export",
    "ledger",
    "load",
    "models",
    "new",
    "observe",
    "open_session",
    "planning",
    "prepare",
    "promote",
    "recompute",
    "replay",
    "report",
    "retract",
    "show",
]
