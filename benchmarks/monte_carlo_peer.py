"""The peer's side of monte_carlo.py: MCsquare (Souris et al. 2016, Med Phys 43:1700), the binary in the wheel of OpenTPS 2.0.2.

FOLDER holds its MCsquare_linux, BDL, Scanners and Materials; the wheel's text files have CRLF line ends and must be converted to LF
first, or every proton is thrown away and the dose is zero. Energies are those of its own default beam library.
"""

import os
import re
import resource
import subprocess
import tempfile
from pathlib import Path

import numpy as np

LIBRARY = "BDL/BDL_default_DN_RangeShifter.txt"
CONFIG = """Num_Threads {threads}
RNG_Seed 1
Num_Primaries {histories}
CT_File {folder}/CT.mhd
HU_Density_Conversion_File {scanner}/HU_Density_Conversion.txt
HU_Material_Conversion_File {scanner}/HU_Material_Conversion.txt
BDL_Machine_Parameter_File {library}
BDL_Plan_File {folder}/Plan.txt
Output_Directory {folder}/Outputs
Compute_stat_uncertainty True
Dose_MHD_Output True
"""


def simulate(folder, hu, spots, weights, *, histories, threads):
    """Wall and CPU seconds, and eV/g per proton (x, y, z) of a plan on 3 mm voxels about the isocentre."""
    folder = Path(folder).resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_image(work / "CT", hu)
        isocentre = [n * 1.5 for n in hu.shape]
        (work / "Plan.txt").write_text(plan(spots, weights, isocentre, protons_1_MU(folder / LIBRARY)))
        settings = {"threads": threads, "histories": histories, "folder": work, "library": folder / LIBRARY}
        (work / "config.txt").write_text(CONFIG.format(**settings, scanner=folder / "Scanners/UCL_Toshiba"))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        environment = {**os.environ, "MCsquare_Materials_Dir": str(folder / "Materials")}
        command = [str(folder / "MCsquare_linux"), str(work / "config.txt")]
        done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True, env=environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        dose = np.frombuffer((work / "Outputs/Dose.raw").read_bytes(), "<f4").reshape(hu.shape[::-1]).transpose(2, 1, 0)[::-1, ::-1]
    wall_s = float(re.findall(r"MC computation time: ([\d.]+)", done.stdout)[0])  # its own clock, without reading and writing
    return wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, dose


def write_image(path, hu):
    """MetaImage of 3 mm voxels; the peer's x and y run the other way."""
    path.with_suffix(".raw").write_bytes(np.asarray(hu, "<f4")[::-1, ::-1].transpose(2, 1, 0).tobytes())
    lines = ["ObjectType = Image", "NDims = 3", "DimSize = {} {} {}".format(*hu.shape), "ElementSpacing = 3 3 3", "Offset = 0 0 0"]
    path.with_suffix(".mhd").write_text(
        "\n".join([*lines, "ElementType = MET_FLOAT", "ElementByteOrderMSB = False", "ElementDataFile = CT.raw", ""])
    )


def protons_1_MU(library):
    """Energies and protons per MU of the beam library."""
    rows = [line.split() for line in library.read_text().splitlines() if re.match(r"^\d+\.\d+\s+\d", line.strip())]
    return np.array([[float(row[0]), float(row[3])] for row in rows]).T


def plan(spots, weights, isocentre, calibration):
    """The plan in the peer's own text format; spot positions are gemel's beam's-eye view."""
    meterset = weights * 1e6 / np.interp(spots[:, 3], *calibration)
    angles = np.unique(spots[:, 0])
    out = ["#TREATMENT-PLAN-DESCRIPTION", "#PlanName", "Plan", "#NumberOfFractions", "1", "##FractionID", "1"]
    out += ["##NumberOfFields", str(len(angles))]
    for number in range(len(angles)):
        out += ["###FieldsID", str(number + 1)]
    out += ["#TotalMetersetWeightOfAllFields", f"{meterset.sum():f}"]
    for number, angle in enumerate(angles):
        here = spots[:, 0] == angle
        energies = np.unique(spots[here, 3])[::-1]
        out += ["", "#FIELD-DESCRIPTION", "###FieldID", str(number + 1), "###FinalCumulativeMeterSetWeight"]
        out += [f"{meterset[here].sum():f}", "###GantryAngle", f"{angle:f}", "###PatientSupportAngle", "0.0", "###IsocenterPosition"]
        out += ["{:f}\t {:f}\t {:f}".format(*isocentre), "###NumberOfControlPoints", str(len(energies)), "", "#SPOTS-DESCRIPTION"]
        done = 0.0
        for layer, energy in enumerate(energies):
            rows = np.flatnonzero(here & (spots[:, 3] == energy))
            done += meterset[rows].sum()
            out += ["####ControlPointIndex", str(layer + 1), "####SpotTunnedID", "1", "####CumulativeMetersetWeight", f"{done:f}"]
            out += ["####Energy (MeV)", f"{energy:f}", "####NbOfScannedSpots", str(len(rows)), "####X Y Weight"]
            out += [f"{spots[n, 1]:f} {spots[n, 2]:f} {meterset[n]:f}" for n in rows]
    return "\n".join(out) + "\n"
