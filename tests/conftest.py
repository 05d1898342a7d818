"""Shared fixtures: the reference data beside the checkout."""

import os
from pathlib import Path

import pytest

os.environ.pop("COLUMNS", None)  # workers of pytest-xdist are given 80, which consoles that were made before a test would keep


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real and reference data; tests that need it are skipped, with this reason, where it is absent."""
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"reference data not found at {folder}")
    return folder
