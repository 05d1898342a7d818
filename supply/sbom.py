"""`make sbom`: the bill of materials of gemel, as CycloneDX 1.6 JSON (ECMA-424): what is installed with it, and what its page holds."""

import json
import sys
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from supply.closure import Package, closure
from supply.page import bundled


def whole() -> list[Package]:
    """gemel with all that it needs and holds. Raises LookupError."""
    page = bundled()
    held = tuple(package.name for package in page)
    return [replace(one, needs=(*one.needs, *held)) if one.name == "gemel" else one for one in closure()] + page


def bill(packages: Sequence[Package], root: str) -> dict[str, Any]:
    """The bill; the same packages give the same bill, its serial number too."""
    named = {package.name: package for package in packages}
    seed = "\n".join(purl(package) for package in packages)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {"component": component(named[root]) | {"type": "application"}},
        "components": [component(package) for package in packages if package.name != root],
        "dependencies": [{"ref": purl(package), "dependsOn": [purl(named[name]) for name in package.needs]} for package in packages],
    }


def component(package: Package) -> dict[str, Any]:
    """A package as a component."""
    licences = [{"license": {"name": package.licence}}] if package.licence else []
    told = {"type": "library", "bom-ref": purl(package), "name": package.name, "version": package.version, "purl": purl(package)}
    return told | {"licenses": licences}


def purl(package: Package) -> str:
    """The package's URL (github.com/package-url/purl-spec)."""
    return f"pkg:{package.kind}/{quote(package.name, safe='/')}@{package.version}"


if __name__ == "__main__":
    try:
        made = bill(whole(), "gemel")
    except LookupError as error:
        sys.exit(f"gemel: {error}")
    json.dump(made, sys.stdout, indent=1)
    sys.stdout.write("\n")
