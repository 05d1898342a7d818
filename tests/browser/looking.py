"""What every look at a page asks: does it stay here, does it complain, can everybody use it, does it still look the same."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.image import imread
from playwright.sync_api import Page

from gemel.core.image import Array

HERE = Path(__file__).parent
AXE = HERE.parents[1] / "workbench" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
HARMLESS = "GL Driver Message"  # of drawing in software: that it is slow
BLOCK = 8  # pixels: fonts of another machine move letters by less
ALIKE = 0.05  # of full scale, in a block
MOST_UNLIKE = 0.04  # of all blocks


@dataclass
class Watch:
    """Where a page sent requests, and what the browser complained of."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


def watched(page: Page) -> Watch:
    """Notes every request and every complaint from now on."""
    seen = Watch()
    page.on("request", lambda request: seen.hosts.add(request.url.split("/")[2] if "://" in request.url else request.url.split(":")[0]))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on(
        "console",
        lambda told: seen.complaints.append(told.text) if told.type in ("error", "warning") and HARMLESS not in told.text else None,
    )
    page.on("response", lambda reply: seen.complaints.append(f"{reply.status} {reply.url}") if reply.status >= 400 else None)
    return seen


def violations(page: Page) -> list[str]:
    """Serious faults against accessibility (axe-core), each with the first element that has it."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: Any = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in found["violations"] if v["impact"] in SERIOUS]


def unlike(picture: Path, stored: Path) -> float:
    """Share of blocks whose mean brightness differs from the stored picture's by more than ALIKE; 1 for another size."""
    now, then = _blocks(picture), _blocks(stored)
    return float((np.abs(now - then) > ALIKE).mean()) if now.shape == then.shape else 1.0


def _blocks(path: Path) -> Array:
    grey = imread(path)[..., :3].mean(axis=-1)
    rows, columns = (n // BLOCK * BLOCK for n in grey.shape)
    return np.asarray(grey[:rows, :columns].reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK).mean(axis=(1, 3)))
