"""All claims of the proton engines side by side with their peers, as one page: docs/proton_engines.md.

    python benchmarks/proton_engines.py --data ../shared/data --pyradplan PATH --pymedphys PATH [--mcsquare FOLDER] [--only NAME ...]

PATH: an interpreter in which the peer (pyRadPlan 0.5, pymedphys 0.41 with numba) can be imported; FOLDER: see monte_carlo_peer.py.
Every part is a script of its own that can be run alone; its output stands in the page as printed. Parts whose peer is not given are
left out. A part that was run alone (--only) replaces its own section. Leave the machine alone meanwhile: times are wall times.
"""

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
HEAD = """# Proton engines beside their peers

Made by `benchmarks/proton_engines.py`; each part below is the output of one script, as printed. The phantom is a synthetic pelvis: elliptic
water body of 330 x 210 mm, two bone cylinders, an ellipsoid target, two opposed lateral beams, 5 mm spots.

"""


def parts(given):
    """Name, title, script and its arguments; None where a peer is missing."""
    data, plot = str(given.data), str(given.out.with_name("pencil_beam_scaling.png"))
    machine = str(given.data / "proton_machine" / "matrad_protons_generic.npz")
    rad, med = given.pyradplan, given.pymedphys
    square = ["--mcsquare", given.mcsquare] if given.mcsquare else []
    return {
        "matrix": ("Influence matrix", "pencil_beam_matrix.py", rad and ["--peer-python", rad, "--repeats", "3"]),
        "forward": ("Dose without a matrix, scenarios from one tracing", "pencil_beam_forward.py", []),
        "gamma_peer": (
            "Pencil beam against an independent one",
            "pencil_beam_gamma.py",
            rad and ["--peer-python", rad, "--machine", machine],
        ),
        "scaling": ("Scaling", "pencil_beam_scaling.py", ["--plot", plot]),
        "optimise": ("One plan", "optimise_plan.py", rad and ["--peer-python", rad]),
        "robust": ("Robust plan over 21 scenarios", "robust_plan.py", []),
        "monte_carlo": ("Monte Carlo", "monte_carlo.py", ["--data", data, *square]),
        "gamma_mc": ("Pencil beam against Monte Carlo", "pencil_beam_monte_carlo.py", ["--pelvis", str(given.data / "pelvis")]),
        "gamma": ("Gamma index", "gamma_index.py", med and ["--peer-python", med]),
        "warm": ("Warm start of the day's plan", "warm_start.py", ["--data", data, "--days", "1", "8", "--limits", "1", "2", "5", "15"]),
    }


def section(name, title, script, arguments):
    """One script's output as a section."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False, cwd=HERE)
    if done.returncode:
        sys.exit(f"{script} failed:\n{done.stderr[-2000:]}")
    printed = re.sub(r"(?<=\s)/\S*/", "", done.stdout).strip()  # no folder of this machine
    shown = " ".join(a if not Path(a).is_absolute() else Path(a).name for a in arguments)
    took = f"{time.perf_counter() - began:.0f} s, load average before {os.getloadavg()[0]:.1f}"
    image = "\n![Time and memory against spots and voxels](pencil_beam_scaling.png)\n" if name == "scaling" else ""
    return f"## {title}\n\n`python benchmarks/{script} {shown}`\n({datetime.date.today()}, {took})\n\n```\n{printed}\n```\n{image}"


def merged(page, made):
    """The page with the made sections put in or replaced, in the order of `parts`."""
    old = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", page.read_text(), re.S | re.M)) if page.exists() else {}
    titles = {title: text for title, text in ((t, f"## {t}\n{body}") for t, body in old.items())}
    titles |= {title: text for title, text in made.values() if text}
    return titles


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pyradplan", default="")
    parser.add_argument("--pymedphys", default="")
    parser.add_argument("--mcsquare", default="")
    parser.add_argument("--out", type=Path, default=HERE.parent / "docs" / "proton_engines.md")
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    given.data, given.out = given.data.resolve(), given.out.resolve()
    wanted = {name: part for name, part in parts(given).items() if part[2] != "" and (not given.only or name in given.only)}
    for name, (title, script, arguments) in wanted.items():
        print(f"{script} ...", flush=True)
        text = section(name, title, script, arguments)
        titles = merged(given.out, {name: (title, text)})
        order = [t for t, _, _ in parts(given).values() if t in titles]
        machine = f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}.\n\n"
        given.out.write_text(HEAD + machine + "\n".join(titles[t].rstrip() + "\n" for t in order))


if __name__ == "__main__":
    main()
