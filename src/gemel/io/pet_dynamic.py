"""A dynamic PET series in: DICOM PET images of many time slices → DynamicImage, corrected for decay to the injection. PS3.3 C.8.9."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from gemel.core.dynamic import DynamicImage
from gemel.core.errors import GeometryError, IdentityError, InputError
from gemel.core.image import Array, Image
from gemel.core.time import seconds
from gemel.io.dicom_file import numbers, parse, require_class, text
from gemel.io.dicom_folder import Entry, scan, series_of
from gemel.io.dicom_geometry import plane, stack
from gemel.io.dicom_header import dicom_moment
from gemel.io.files import read_bytes
from gemel.io.nm import acquired_time_s
from gemel.io.nuclear_header import NOTHING_STATED, Stated, injected_at_s, injected_MBq, nuclide_of
from gemel.io.nuclear_units import correction_of
from gemel.io.orientation import along_lps
from gemel.io.pet import concentration

SAME = ("Units", "DecayCorrection", "FrameOfReferenceUID", "PatientID", "NumberOfTimeSlices", "NumberOfSlices")


@dataclass(frozen=True)
class _Slice:
    """One image with its place among time slices (from 0)."""

    dataset: Dataset
    where: str
    time: int


@dataclass(frozen=True)
class _Clock:
    """Injection and start of the series (s since the epoch), and the decay constant."""

    injected_s: float
    series_s: float
    decay_1_s: float


def read_dynamic_pet(path: str | Path, stated: Stated = NOTHING_STATED, *, half_life_s: float, series_uid: str = "") -> DynamicImage:
    """The series of SeriesType DYNAMIC in a folder: images by ImageIndex = NumberOfSlices·(time slice - 1) + slice (PS3.3 C.8.9.4.1.9).

    A frame starts at its AcquisitionTime; where that is the same in all frames, at FrameReferenceTime less the part of the frame that
    lies before it. What correction was made is taken from DecayFactor, else from DecayCorrection (START: the start of the series), undone,
    and made to the injection. Raises InputError for a static series and missing elements, GeometryError for frames that are not whole.
    """
    entries = series_of(scan(path), "PT", series_uid, str(path))
    slices = _slices(entries)
    first, where = slices[0].dataset, slices[0].where
    begun_s = min(acquired_time_s(one.dataset, stated, one.where) for one in slices)
    clock = _Clock(injected_at_s(first, begun_s, stated, where), _series_s(first, begun_s, where), math.log(2) / half_life_s)
    times = [[one for one in slices if one.time == t] for t in range(max(one.time for one in slices) + 1)]
    start_s, duration_s = _frames(times, clock, stated)
    order, affine_mm = stack([plane(one.dataset, one.where) for one in times[0]], _thickness_mm(times[0]))
    volumes = []
    for k, frame in enumerate(times):
        _require_same_planes(times[0], frame)
        values = np.stack([concentration(frame[i].dataset, stated, frame[i].where, math.nan) for i in order], axis=2)
        volumes.append(values * np.float32(_recorrection(frame[0], float(start_s[k]), float(duration_s[k]), clock, stated)))
    turned = [along_lps(volume, affine_mm) for volume in volumes]
    array = np.stack([one for one, _ in turned])
    return DynamicImage(
        values_Bq_mL=array,
        grid=Image(_mean(array), turned[0][1], text(first, "FrameOfReferenceUID", where)),
        start_s=start_s,
        duration_s=duration_s,
        nuclide=nuclide_of(first, stated, where),
        injected_MBq=injected_MBq(first, stated, where, per_MBq=1e6),
        source=text(first, "SeriesInstanceUID", where),
    )


def _slices(entries: Sequence[Entry]) -> list[_Slice]:
    found: list[_Slice] = []
    for entry in entries:
        where = str(entry.path)
        dataset = parse(read_bytes(entry.path), where)
        require_class(dataset, PositronEmissionTomographyImageStorage, where)
        if "DYNAMIC" not in text(dataset, "SeriesType", where):
            kind = text(dataset, "SeriesType", where) or "no type"
            raise InputError(f"a series of {kind}", where=where, remedy="name a dynamic series; a static one is read by read_pet")
        of = found[0].dataset if found else dataset
        for keyword in SAME:
            if text(dataset, keyword, where) != text(of, keyword, where):
                raise IdentityError(f"{keyword} that differs within the series", where=where, remedy="keep one scan in a series")
        index, depth = (int(numbers(dataset, keyword, 1, where)[0]) for keyword in ("ImageIndex", "NumberOfSlices"))
        found.append(_Slice(dataset, where, (index - 1) // depth))
    return _whole(found)


def _whole(slices: list[_Slice]) -> list[_Slice]:
    """Raises GeometryError unless every time slice has all its slices."""
    one = slices[0]
    frames, depth = (int(numbers(one.dataset, keyword, 1, one.where)[0]) for keyword in ("NumberOfTimeSlices", "NumberOfSlices"))
    counts = np.bincount([s.time for s in slices], minlength=frames)
    if len(counts) != frames or (counts != depth).any():
        odd = int(np.argmax(counts != depth)) + 1
        found = f"{len(slices)} images for {frames} frames of {depth} slices (frame {odd} has {counts[odd - 1]})"
        raise GeometryError(found, where=one.where, remedy="transfer the series again; images are missing, twice there or of two series")
    return slices


def _frames(times: Sequence[Sequence[_Slice]], clock: _Clock, stated: Stated) -> tuple[Float[Array, "frames"], Float[Array, "frames"]]:
    """Starts after the injection, and durations."""
    duration_s = np.array([float(numbers(f[0].dataset, "ActualFrameDuration", 1, f[0].where)[0]) / 1000 for f in times])
    starts_s = np.array([acquired_time_s(f[0].dataset, stated, f[0].where) for f in times])
    if len(times) > 1 and (np.diff(starts_s) <= 0).any():
        reference_s = np.array([float(numbers(f[0].dataset, "FrameReferenceTime", 1, f[0].where)[0]) / 1000 for f in times])
        starts_s = clock.series_s + reference_s - np.log(_within(duration_s, clock.decay_1_s)) / clock.decay_1_s
    return starts_s - clock.injected_s, duration_s


def _recorrection(one: _Slice, start_s: float, duration_s: float, clock: _Clock, stated: Stated) -> float:
    """Factor from the frame's correction to that to the injection: e^(λt)·x/(1 - e^(-x)), x = λ·duration, over what was made."""
    within = float(_within(np.array(duration_s), clock.decay_1_s))
    full = math.exp(clock.decay_1_s * start_s) * within
    corrected = stated.decay_corrected_to or correction_of(one.dataset, one.where)
    if corrected == "none":
        return full
    if "DecayFactor" in one.dataset and stated.decay_corrected_to is None:
        made = float(numbers(one.dataset, "DecayFactor", 1, one.where)[0])
        if not made > 0:
            raise InputError(f"DecayFactor = {made:g}", where=one.where, remedy="state the correction: --decay-corrected-to")
        return full / made
    return 1.0 if corrected == "injection" else math.exp(clock.decay_1_s * (clock.series_s - clock.injected_s))


def _within(duration_s: Float[Array, "*n"], decay_1_s: float) -> Float[Array, "*n"]:
    """Value at a frame's start over its mean."""
    x = decay_1_s * duration_s
    return np.asarray(x / -np.expm1(-x))


def _series_s(dataset: Dataset, begun_s: float, where: str) -> float:
    """The series' time, to which FrameReferenceTime and START refer; the first acquisition where it is missing or later."""
    date, time = text(dataset, "SeriesDate", where), text(dataset, "SeriesTime", where)
    return min(seconds(dicom_moment(date, time, where)), begun_s) if date and time else begun_s


def _thickness_mm(frame: Sequence[_Slice]) -> float:
    return float(numbers(frame[0].dataset, "SliceThickness", 1, frame[0].where)[0]) if len(frame) == 1 else 0.0


def _require_same_planes(first: Sequence[_Slice], frame: Sequence[_Slice]) -> None:
    for a, b in zip(first, frame, strict=True):
        if not np.allclose(plane(a.dataset, a.where).origin_mm, plane(b.dataset, b.where).origin_mm, atol=1e-2):
            raise GeometryError("frames whose slices lie elsewhere", where=b.where, remedy="export a series of one bed position")


def _mean(array: Float32[Array, "frames x y z"]) -> Float32[Array, "x y z"]:
    return array.mean(axis=0, dtype=np.float64).astype(np.float32)
