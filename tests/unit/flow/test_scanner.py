"""A scanner through the loop: baseline, daily checks, an alarm with its cause, a decision, and what came of it; what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from gemel import flow, store
from gemel.cli import app
from gemel.core.errors import GemelError
from gemel.core.image import Image
from gemel.core.quality import QualityDay
from gemel.devices.ct import water_ellipse_HU
from gemel.devices.ct.twin.virtual import Fault, metrics
from gemel.flow.scanner import begin_scanner, check_scanner, scanner_status
from gemel.flow.scanner_noise import scanner_noise
from gemel.flow.session import last_decision, open_session
from gemel.flow.words import in_words
from gemel.io import Identity, write_image
from tests.unit.io.quality_days import made_day, write_day

DAYS = 15


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Path]:
    """A store with a twin after DAYS of baseline; output falls by 25 % two days later. The folders of the days after are beside it."""
    folder = tmp_path_factory.mktemp("scanner")
    values = metrics(Fault("output_pct", False, -25.0, DAYS + 2).departures(DAYS + 8), 0.0, np.random.default_rng(4))
    for i, row in enumerate(values):
        write_day(folder / ("baseline" if i < DAYS else "later") / f"{i:02d}", made_day(i, row))
    done = run("new", folder / "baseline", folder, "--run-length-days", "60")
    return folder / "twins.db", str(done["twin"]), folder / "later"


def run(*words: Any, code: int = 0) -> Any:
    """`gemel scanner WORDS` on the store in the folder named, as JSON."""
    name, first, folder, *rest = words
    at = folder if str(folder).endswith(".db") else folder / "twins.db"
    found = CliRunner().invoke(app, ["scanner", name, str(first), "--store", str(at), "--json", *map(str, rest)])
    assert found.exit_code == code, found.output
    return json.loads(found.stdout) if code == 0 else found.stderr


@pytest.mark.full
def test_the_loop_closes(begun: tuple[Path, str, Path], tmp_path: Path) -> None:
    at, twin, later = begun
    assert run("status", twin, at)["alarm"] is None
    quiet = [run("qc", later / f"{DAYS + i:02d}", at, "--scanner", twin) for i in range(2)]
    assert [q["alarm"] for q in quiet] == [False, False]
    assert quiet[-1]["badge"] == "shadow"
    seen = [run("qc", later / f"{DAYS + i:02d}", at, "--scanner", twin) for i in range(2, 5)][-1]
    assert seen["alarm"]
    assert seen["cause"] == "output"
    assert seen["causes"]["output"] > 0.9
    with store.open(str(at)) as record:
        newest, began = record.events(twin)[-1].valid_s, record.events(twin)[0].valid_s
        noise = [scanner_noise(record, "gemel gemel CT1", t_s) for t_s in (newest + 60.0, began + 60.0, began - 60.0)]
        assert noise[0] is not None
        assert noise[0].factor == pytest.approx(1 / np.sqrt(0.75), rel=0.05)  # σ² ∝ 1/output; electronic noise adds a little
        assert noise[1] is not None
        assert noise[1].factor == pytest.approx(1.0, abs=0.05)
        assert noise[2] is None
        assert scanner_noise(record, "gemel gemel CT2", newest) is None
        decided = flow.decide(record, twin, override="a test of the loop").event.payload
        assert decided["recommended"] in ("recalibrate", "service")
        flow.act(record, twin, decided["recommended"])
    after = run("qc", later / f"{DAYS + 5:02d}", at, "--scanner", twin)
    assert after["badge"] == "twin"
    assert len(after["alarms"]) == 1
    written = run("status", twin, at, "--out", tmp_path)
    text = Path(written["report"]).read_text(encoding="utf-8")
    assert "Control charts since the last action" in text
    assert "likeliest cause" in text


def wrong(folder: Path, name: str) -> Path:
    """A check on a day after those of the loop, with one thing wrong."""
    day = made_day(DAYS + 30)
    tags: dict[str, Any] = {
        "another protocol": {"KVP": "100"},
        "another scanner": {"StationName": "CT2"},
        "no exposure": {"Exposure": None},
        "no kernel": {"ConvolutionKernel": None},
    }.get(name, {})
    if name == "not calibrated":
        slices = tuple(Image(image.array + 400.0, image.affine_mm) for image in day.slices)
        day = QualityDay(slices, day.exposure, day.tube, day.acquired_s, day.scanner, day.source)
    if name == "the future":
        day = made_day(100_000 // 7)
    path = write_day(folder / name, day, **tags)
    if name == "implausible log":
        (path / "tube_log.csv").write_text("date,kV,mAs\n2023-12-02,0,300\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("another protocol", "expose as the baseline was"),
        ("no kernel", "no ConvolutionKernel instead of kernel made"),
        ("another scanner", "this twin is of"),
        ("no exposure", "no Exposure"),
        ("not calibrated", "not calibrated"),
        ("the future", "in the future"),
        ("implausible log", "0 kV"),
    ],
)
def test_a_wrong_check_is_one_line_and_nothing_is_stored(begun: tuple[Path, str, Path], tmp_path: Path, name: str, words: str) -> None:
    at, twin, _ = begun
    with store.open(str(at)) as record:
        before = len(tuple(record.events(twin)))
    said = run("qc", wrong(tmp_path, name), at, "--scanner", twin, code=1)
    errors = [line for line in said.splitlines() if "gemel:" in line]
    assert len(errors) == 1
    assert words in errors[0]
    with store.open(str(at)) as record:
        assert len(tuple(record.events(twin))) == before


def test_a_log_without_the_days_row_is_said(begun: tuple[Path, str, Path], tmp_path: Path) -> None:
    at, twin, _ = begun
    path = write_day(tmp_path / "day", made_day(DAYS + 18))
    (path / "tube_log.csv").write_text("date,kV,mAs\n2020-01-01,120,300\n", encoding="utf-8")
    found = run("qc", path, at, "--scanner", twin)
    assert len(found["notes"]) == 1
    assert "tube_kV_pct, tube_mAs_pct (no row of the day in the tube's log)" in found["notes"][0]


def test_a_recommendation_is_kept_in_the_scanners_record_and_is_no_decision_about_it(begun: tuple[Path, str, Path], tmp_path: Path) -> None:
    at, twin, _ = begun
    with store.open(str(at)) as record:
        _, standing = check_scanner(record, twin, write_day(tmp_path / "before", made_day(DAYS + 12)))
        check = next(e for e in reversed(tuple(record.events(twin))) if e.kind == "Observed")
    image = Image(np.repeat(water_ellipse_HU(30, 22).astype(np.float32)[:, :, None], 2, axis=2), np.diag([3.0, 3.0, 5.0, 1.0]))
    write_image(tmp_path / "ct", image, Identity("A PATIENT", study_uid="1.2.3", frame_uid="1.2.4"))
    words = [
        "--ct",
        tmp_path / "ct",
        "--task",
        "8 mm, -30 HU",
        "--scanner",
        twin,
        "--store",
        at,
        "--kvp",
        "120",
        "--modulation",
        "0",
        "--json",
    ]
    done = CliRunner().invoke(app, ["scanner", "choose", *map(str, words)])
    assert done.exit_code == 0, done.output
    with store.open(str(at)) as record:
        advised = [e for e in record.events(twin) if e.kind == "Advised"]
        assert len(advised) == 1
        assert advised[0].payload["protocol"] == json.loads(done.stdout)["recommended"]
        assert advised[0].payload["advised"].startswith("120 kVp")
        assert in_words(advised[0]).startswith("advised 120 kVp")
        assert "A PATIENT" not in str(advised[0].payload)
        assert last_decision(open_session(record, twin)) is None
        assert scanner_status(record, twin).session.badge == standing.session.badge
        check_scanner(record, twin, write_day(tmp_path / "after", made_day(DAYS + 13)))
        flow.retract(record, twin, check.version, "a wrong check")
        assert not [e for e in open_session(record, twin).entries if e.kind == "Advised"]


def test_a_check_of_the_same_folder_twice_is_refused(begun: tuple[Path, str, Path], tmp_path: Path) -> None:
    at, twin, _ = begun
    path = write_day(tmp_path / "day", made_day(DAYS + 20))
    with store.open(str(at)) as record:
        check_scanner(record, twin, path)
        with pytest.raises(GemelError, match="observed already"):
            check_scanner(record, twin, path)
        assert scanner_status(record, twin).status is not None


def test_a_baseline_of_too_few_days_leaves_no_twin(begun: tuple[Path, str, Path], tmp_path: Path) -> None:
    days = sorted((begun[2].parent / "baseline").iterdir())[:10]
    for day in days:
        (tmp_path / "short" / day.name).mkdir(parents=True)
        for path in day.iterdir():
            (tmp_path / "short" / day.name / path.name).write_bytes(path.read_bytes())
    with store.open(str(tmp_path / "twins.db")) as record:
        with pytest.raises(GemelError, match="10 baseline days"):
            begin_scanner(record, tmp_path / "short")
        with pytest.raises(GemelError, match="no folder of a day"):
            begin_scanner(record, days[0])
        assert not record.twins()
