"""The patient at the beginning: regions, masses, what was injected, the camera."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Image
from gemel.core.structures import Structures, volume_mL
from gemel.devices.nuclear.calibration import Calibration, calibrated
from gemel.devices.nuclear.regions import Blur
from gemel.devices.nuclear.series import quantify
from gemel.engines.decay import emissions, nuclide
from gemel.engines.dose.kernel import sphere_S
from gemel.engines.dose.kernel.organ import reference_mass_g
from gemel.systems.theranostics.body import Body
from gemel.systems.theranostics.cold_mass import displacement
from gemel.systems.theranostics.isotopes import label_of
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.options import choices, told
from gemel.systems.theranostics.plausible import require_camera, require_labs
from gemel.systems.theranostics.population import NAME, VERSION, promoted_of
from gemel.systems.theranostics.tissue_density import density_of

J_MeV = 1.602176634e-13
S_H = 3600.0
DENSITY_g_mL = {"kidney": 1.05, "liver": 1.05, "salivary": 1.05, "tumour": 1.05}
REFERENCE = {"kidney": ("kidneys", 2), "liver": ("liver", 1), "salivary": ("salivary_glands", 6)}
MARROW_FROM_REST_Gy_MBq_h = 1.3e-7
"""Photons of the body to the marrow: 3.5e-8 mGy/(MBq s), a tenth of the total body's own S for Lu-177 (Stabin & Siegel 2003)."""
MOST_ALPHA = 0.01
FWHM_mm = 12.0
NO_PRIOR: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Case:
    """Regions on their own grid, the body that the model is made of, the camera, laboratory values before, and what was assumed.

    `density_g_cm3`: on the grid of the reference scan, from a CT of its frame; empty without one.
    """

    structures: Structures
    reference: Image
    body: Body
    nuclide: str
    Q_1_MBq_s: float
    calibration_rel: float
    fwhm_mm: float
    baseline: Mapping[str, float]
    notes: tuple[str, ...]
    recover: bool = False
    cold_nmol: tuple[float, ...] = ()
    density_g_cm3: tuple[Image, ...] = ()


def begin(
    spect: ActivityImage | Sequence[ActivityImage],
    ct: Image | None = None,
    structures: Structures | None = None,
    labs: Mapping[str, float] | None = None,
    pet: ActivityImage | Sequence[ActivityImage] | None = None,
    *,
    nuclide: str = "",
    injected_MBq: float = math.nan,
    injected: str = "",
    duration_s: float = math.nan,
    decay_corrected_to: str = "",
    Bq_mL_per_unit: float = math.nan,
    calibration_cps_MBq: float = math.nan,
    calibration_sd_pct: float = 5.0,
    fwhm_mm: float = FWHM_mm,
    recover: bool = False,
    isotopes: Sequence[str] | str = (),
    cold_nmol: Sequence[float | int] | float | int = (),
    prior: Mapping[str, Any] = NO_PRIOR,
) -> Case:
    """A case from the scans of the first cycle, regions, laboratory values and PET before it. The model begins with the first injection.

    `nuclide` to `Bq_mL_per_unit` were used in reading the scans. `recover`: images of that resolution (`fwhm_mm`) were not
    corrected for partial volume, so that regions are fitted as the camera blurs them, not summed. `isotopes`: what later cycles may be
    given with instead (`isotopes.json`); `cold_nmol`: amounts of cold ligand to choose from; `prior`: what `promote` wrote.

    Raises InputError for images that are not calibrated, alpha emitters in the scans, missing regions and the prior of another model;
    RangeError for a series whose activity is longer there than physics allows; StructureError for regions outside an image.
    """
    require_camera(calibration_cps_MBq, calibration_sd_pct, fwhm_mm, recover)
    require_labs(labs or {})
    scans = (spect,) if isinstance(spect, ActivityImage) else tuple(sorted(spect, key=lambda scan: scan.acquired_s))
    first = scans[0]
    if structures is None or "kidney" not in {organ_of(name) for name in structures.masks}:
        raise StructureError("no contoured kidney", where="theranostics", remedy="give regions with --structures")
    _require_beta(first.nuclide)
    camera = (
        Calibration(calibration_cps_MBq, calibration_cps_MBq * calibration_sd_pct / 100, first.nuclide) if calibration_cps_MBq > 0 else None
    )
    known = [calibrated(scan, camera) if camera else scan for scan in scans]
    half_life_s = decay_half_life_s(first.nuclide)
    quantify(known, structures, Blur(fwhm_mm), half_life_s=half_life_s, calibration_rel=calibration_sd_pct / 100)
    others, cold = choices(first.nuclide, isotopes, cold_nmol)
    body, assumed = body_of(structures, first, isotopes=others, cold=bool(cold))
    before = (pet,) if isinstance(pet, ActivityImage) else tuple(pet or ())
    _require_other(before, first.nuclide)
    early_s = max([0.0, *(first.injected_s - scan.injected_s for scan in before)])
    body = replace(body, early_s=early_s, prior=promoted_of(prior, NAME, VERSION))
    return Case(
        structures,
        first.image,
        body,
        first.nuclide,
        calibration_cps_MBq,
        calibration_sd_pct / 100,
        fwhm_mm,
        dict(labs or {}),
        (*assumed, *_single(structures), *_missing(labs), *told(others, cold), *_of_prior(body), *_no_density(ct, first.image)),
        recover,
        cold,
        () if ct is None or _elsewhere(ct, first.image) else (density_of(ct, first.image),),
    )


def _require_other(pets: Sequence[ActivityImage], nuclide: str) -> None:
    """Raises InputError for a PET of the therapy's own nuclide: that is a scan of the therapy."""
    for scan in pets:
        if scan.nuclide == nuclide:
            raise InputError(f"a PET of {nuclide}, what therapy is given with", where=scan.source[:64], remedy="give it as a scan: --spect")


def body_of(
    structures: Structures, scan: ActivityImage, *, isotopes: Sequence[str] = (), cold: bool = False
) -> tuple[Body, tuple[str, ...]]:
    """What the model needs of this patient, and what was taken from the reference adult."""
    parts = {
        organ: [volume_mL(structures, name) * DENSITY_g_mL[organ] for name in structures.masks if organ_of(name) == organ]
        for organ in ORGANS
    }
    return body_for(scan.nuclide, parts, ((scan.injected_s, scan.injected_MBq),), isotopes=isotopes, cold=cold)


def body_for(
    name: str,
    parts_g: Mapping[str, Sequence[float]],
    given: tuple[tuple[float, float], ...],
    *,
    isotopes: Sequence[str] = (),
    cold: bool = False,
) -> tuple[Body, tuple[str, ...]]:
    """A body of organs with parts of those masses; organs without any are the reference adult's, and noted.

    Later cycles may be given with other `isotopes`, and where `cold` ligand may be chosen uptake follows all ligand given.
    """
    S, notes, held = {"marrow_rest": MARROW_FROM_REST_Gy_MBq_h}, [], {}
    for organ in ORGANS:
        held[organ] = parts_g.get(organ) or []
        if not held[organ]:
            held[organ], note = _reference(organ)
            notes.append(note)
        S[organ] = _S_Gy_MBq_h(name, held[organ])
    decay_1_h = math.log(2) / decay_half_life_s(name) * S_H
    energy = _local_keV(name) * 1e-3 * J_MeV * 1e6 * S_H
    labels = {other: label_of(other, held, own=name, marrow_from_rest_Gy_MBq_h=MARROW_FROM_REST_Gy_MBq_h) for other in isotopes}
    displaced = {key: displacement(key or name) for key in ("", *isotopes)} if cold else {}
    return Body(S, sum(held["tumour"]), energy, decay_1_h, given, labels, displaced), tuple(notes)


def decay_half_life_s(name: str) -> float:
    """Physical half-life of the table. Raises InputError for an unknown nuclide."""
    return nuclide(name).half_life_s


def _S_Gy_MBq_h(name: str, masses_g: Sequence[float]) -> float:
    """Mean dose of parts with the activity of all, shared by mass: Σ S(m_i)·(m_i/m)² over the parts' masses."""
    total = sum(masses_g)
    return float(sum(sphere_S(name, m) * (m / total) ** 2 for m in masses_g)) * 1e6 * S_H


def _reference(organ: str) -> tuple[list[float], str]:
    if organ == "tumour":
        return [1.0], "no contoured tumour: one of 1 g is assumed, and its dose means nothing"
    name, parts = REFERENCE[organ]
    mass_g = reference_mass_g(name)
    return [mass_g / parts] * parts, f"no contoured {organ}: {mass_g:g} g of the reference adult"


def _local_keV(name: str) -> float:
    found = emissions(name)
    return found.beta_mean_keV + found.electron_mean_keV + found.alpha_mean_keV + found.recoil_mean_keV


def _require_beta(name: str) -> None:
    if float(np.sum(emissions(name, chain=True).alpha_per_decay)) > MOST_ALPHA:
        remedy = "use its kernels and radiobiology by themselves; this model's dose has no weighting of alphas"
        raise InputError(f"an alpha emitter ({name})", where="theranostics", remedy=remedy)


def _of_prior(body: Body) -> tuple[str, ...]:
    return (f"prior {body.prior.version}, of {body.prior.patients} twins, in place of the published one",) if body.prior.version else ()


def _elsewhere(ct: Image, scan: Image) -> bool:
    """True for a CT that says that it lies in another frame of reference than the scan."""
    return bool(ct.frame and scan.frame and ct.frame != scan.frame)


def _no_density(ct: Image | None, scan: Image) -> tuple[str, ...]:
    if ct is None:
        return ("no CT: doses by voxel are to soft tissue everywhere",)
    return ("a CT of another frame of reference: doses by voxel are to soft tissue everywhere",) if _elsewhere(ct, scan) else ()


def _single(structures: Structures) -> tuple[str, ...]:
    """One outline of kidneys may be both, or the only one, or a forgotten half of the dose."""
    kidneys = [name for name in structures.masks if organ_of(name) == "kidney"]
    sided = kidneys[0].endswith(("left", "right")) if len(kidneys) == 1 else False
    return ("one kidney contoured: taken for the only one, and limits hold for it alone",) if sided else ()


def _missing(labs: Mapping[str, float] | None) -> tuple[str, ...]:
    absent = [name for name in ("platelets", "psa") if name not in (labs or {})]
    return tuple(f"no {name} before therapy: later values cannot be assimilated" for name in absent)
