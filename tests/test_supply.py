"""What comes with gemel: no copyleft, every part in the bill, licences with the code they are of, and the lock of what is installed."""

import re
from pathlib import Path

import pytest
from supply.closure import Package, closure, copyleft
from supply.page import THIRD_PARTY, bundled, texts
from supply.sbom import bill, purl, whole

built = pytest.mark.skipif(not THIRD_PARTY.is_file(), reason="the page is not built, or by an older build: make workbench")
LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"
PINNED = re.compile(r"([a-z0-9.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}")


@pytest.fixture(scope="module")
def packages() -> list[Package]:
    return closure()


def test_the_closure_is_whole(packages: list[Package]) -> None:
    names = {package.name for package in packages}
    assert {
        "gemel",
        "fastapi",
        "starlette",
        "h11",
        "cryptography",
        "argon2-cffi-bindings",
        "pynetdicom",
        "fhir-resources",
        "numpy",
    } <= names
    assert not [(package.name, need) for package in packages for need in package.needs if need not in names]


def test_no_package_is_gpl_or_says_nothing(packages: list[Package]) -> None:
    assert [package for package in packages if copyleft(package.licence) or not package.licence] == []


@pytest.mark.parametrize(
    "text", ["GPL-3.0-only", "AGPL-3.0", "GPLv2", "GNU General Public License v3 (GPLv3)", "GNU Affero General Public License v3"]
)
def test_copyleft_is_recognised(text: str) -> None:
    assert copyleft(text)


@pytest.mark.parametrize("text", ["MIT", "LGPL-3.0-only", "GNU Lesser General Public License v3", "MIT OR GPL-2.0-only", "Apache-2.0", ""])
def test_what_is_not_copyleft_is_not_taken_for_it(text: str) -> None:
    assert not copyleft(text)


def test_the_bill_names_every_package_and_need(packages: list[Package]) -> None:
    made = bill(packages, "gemel")
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    refs = {made["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in made["components"])}
    assert refs == {purl(package) for package in packages} == {row["ref"] for row in made["dependencies"]}
    assert {ref for row in made["dependencies"] for ref in row["dependsOn"]} <= refs
    assert bill(packages, "gemel") == made


def test_the_lock_pins_every_package_with_a_hash(packages: list[Package]) -> None:
    found = [PINNED.fullmatch(line) for line in LOCK.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(found), "a line without a version or a hash"
    locked = {row[1] for row in found if row}
    assert locked == {package.name for package in packages} - {"gemel"}, "make lock, and look at what has changed"


LISTING = """# Licenses

The app bundles dependencies which contain the following licenses:

## @niivue/niivue - 0.69.0 (BSD-2-Clause)

Redistribution and use

## silent - 1.0.0
"""


def test_what_the_page_holds_is_read_from_its_licences(tmp_path: Path) -> None:
    listing = tmp_path / "third_party.md"
    with pytest.raises(LookupError, match="make workbench"):
        bundled(listing)
    listing.write_text(LISTING)
    first, second = bundled(listing)
    assert (purl(first), first.licence) == ("pkg:npm/%40niivue/niivue@0.69.0", "BSD-2-Clause")
    assert second.licence == ""
    assert texts(listing) == {"@niivue/niivue": "Redistribution and use", "silent": ""}


@built
def test_the_page_brings_the_licence_of_all_that_it_holds() -> None:
    held = {package.name: package for package in bundled()}
    assert {"@niivue/niivue", "uplot", "gl-matrix"} <= set(held)
    assert [package for package in held.values() if copyleft(package.licence) or not package.licence] == []
    assert [name for name, text in texts().items() if "copyright" not in text.lower() or len(text) < 500] == []


@built
def test_the_bill_names_what_the_page_holds() -> None:
    made = bill(whole(), "gemel")
    root = next(row for row in made["dependencies"] if row["ref"].startswith("pkg:pypi/gemel@"))
    assert {purl(package) for package in bundled()} <= set(root["dependsOn"])
    assert {purl(package) for package in bundled()} <= {part["bom-ref"] for part in made["components"]}
