"""What comes with gemel: no copyleft, every part named in the bill, and the lock that pins what is installed."""

import re
from pathlib import Path

import pytest
from supply.closure import Package, closure, copyleft
from supply.sbom import bill, purl

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
