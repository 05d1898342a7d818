"""Results of a decision on the anatomy of a day: images, contours, dose, how the day was registered and how sure that is, the report."""

from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.uid import CTImageStorage
from scipy.ndimage import map_coordinates

from gemel import io
from gemel.core.image import Array, Image
from gemel.flow.report_day import Material, material_of, pictures_of, write_dicom
from gemel.flow.results_ground import Ground, Named, images_of
from gemel.flow.results_paper import wrapped
from gemel.flow.session import Session
from gemel.flow.show import Overview
from gemel.io.deformable import Deformed
from gemel.io.deformable_object import write_deformable
from gemel.io.frames import slices_of
from gemel.io.parametric_map_write import DISPLACEMENT_SD, write_parametric_map
from gemel.io.radiation_sr import da_tm
from gemel.io.registration import Registered, write_registration
from gemel.io.registration_object import Sources
from gemel.io.seg_write import write_segmentation

TITLES = {
    "recommended": "Recommended plan",
    "baseline": "Baseline plan",
    "given": "What was given",
    "bands": "Histograms, forecast and today",
    "options": "Options",
    "ledger": "Forecasts against what came",
}


def write_day(session: Session, overview: Overview, folder: Path, base: Ground) -> None:
    """CT of the day, RTSTRUCT, RTIONPLAN, RTDOSE and SEG on it, REG, map of standard deviation, PDF. Never approved."""
    material = material_of(session)
    at = da_tm(material.scan.valid_s)
    series = write_dicom(material, folder)
    held = material.day.structures
    shown = type(held)(series.image, {name: mask for name, mask in held.masks.items() if mask.any()})
    how = "gemel deformable registration"
    write_segmentation(folder / "SEG.dcm", shown, slices_of(series, at), description="structures of the day", algorithm=how)
    _registrations(material, series, folder)
    _doubt(material, series, folder, at)
    pictures = [{"title": TITLES.get(name, name), "picture": png, "note": ""} for name, png in pictures_of(material).items()]
    wrapped(folder / "PDF.dcm", session, overview, pictures, base)


def _registrations(material: Material, series: io.Series, folder: Path) -> None:
    """The scan to the day (its couch error), and the planning images to the day (its deformation), where the system found them.

    The day's frame has the bones where planning has them: x_day = x_scan - setup, and x_planning = x_day + u(x_day).
    """
    found, session, frame = vars(material.day), material.session, series.identity.frame_uid
    fixed = tuple((str(CTImageStorage), uid) for uid in series.sop_uids)
    at, home = da_tm(material.scan.valid_s), (series.identity.study_uid, series.identity.series_uid)
    scanned, scan_frame = images_of(session, material.scan)
    if "setup_mm" in found and scan_frame:
        sources = Sources(*at, fixed, _pairs(scanned), home, _series(scanned))
        registered = Registered(shifted(-found["setup_mm"]), scan_frame, frame)
        write_registration(folder / "REG.dcm", registered, series.identity, sources=sources, description="scan to day, research use")
    planned, planning_frame = images_of(session, session.entries[0])
    if "field" in found and planning_frame:
        field = found["field"]
        sources = Sources(*at, fixed, _pairs(planned), home, _series(planned))
        deformed = Deformed(field.vectors_mm, field.affine_mm, planning_frame, frame)
        said = "planning to day, research use"
        write_deformable(folder / "REG_DEFORMABLE.dcm", deformed, series.identity, sources=sources, description=said)


def shifted(by_mm: Float[Array, "3"]) -> Float[Array, "4 4"]:
    """A shift as a matrix."""
    matrix = np.eye(4)
    matrix[:3, 3] = by_mm
    return matrix


def _pairs(images: tuple[Named, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((row[0], row[1]) for row in images)


def _series(images: tuple[Named, ...]) -> tuple[str, str]:
    """Study and series of images of one series; empty for several."""
    found = {(row[3], row[2]) for row in images}
    return found.pop() if len(found) == 1 else ("", "")


def _doubt(material: Material, series: io.Series, folder: Path, at: tuple[str, str]) -> None:
    """Length of the standard deviation of where tissue was found, by the draws of what the registration leaves open."""
    found = vars(material.day)
    if "doubts_mm" in found and "field" in found:
        sd_mm = np.sqrt(np.square(found["doubts_mm"].astype(np.float32)).mean(axis=0).sum(axis=-1))
        on_grid = resampled(sd_mm, found["field"].affine_mm, series.image)
        write_parametric_map(folder / "PM_SD.dcm", on_grid, slices_of(series, at), DISPLACEMENT_SD)


def resampled(values: Float[Array, "x y z"], affine_mm: Float[Array, "4 4"], grid: Image) -> Image:
    """Values of another grid at the voxels of this one, linear between nodes, those of the nearest node outside."""
    there = np.linalg.inv(affine_mm) @ grid.affine_mm
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij")).reshape(3, -1)
    at = there[:3, :3] @ index + there[:3, 3:]
    found = map_coordinates(values, at, order=1, mode="nearest", output=np.float32)
    return Image(found.reshape(grid.shape), grid.affine_mm, grid.frame)
