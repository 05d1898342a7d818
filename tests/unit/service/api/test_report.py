"""What is written while a report is made names the patient: it stays within the service's folder, and goes."""

from pathlib import Path
from typing import Any

import pytest

from gemel.core.system import silent
from gemel.service.api.views import report as view
from gemel.service.jobs import Bench
from gemel.service.jobs.running import LAID_OUT
from gemel.store import Store


def test_what_lies_beside_a_report_is_in_the_service_s_folder_and_goes(
    tower: Store, twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, folder = list[Path](), tmp_path / "service"
    folder.mkdir()

    def written(store: Store, name: str, place: Path, **how: Any) -> Path:
        seen.append(place)
        (place / "RTDOSE.dcm").write_text("DOE^JANE")
        (place / "report.html").write_text(name)
        return place / "report.html"

    monkeypatch.setattr(view, "written", written)
    assert view.report(Bench(tower, str(folder), silent), {"twin": twin}) == twin.encode()
    assert [place.parent for place in seen] == [folder / LAID_OUT], "what a kill leaves there is found at the next start"
    assert not seen[0].exists()
