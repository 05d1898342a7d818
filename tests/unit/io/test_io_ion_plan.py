"""Ion plans: gemel's spots to gantry coordinates and back, RT Ion Plan out and in, and what is refused."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from gemel.core.errors import GeometryError, IdentityError, InputError, RangeError, UnitError
from gemel.io import (
    Identity,
    IonBeam,
    IonPlan,
    Prescription,
    RangeShifter,
    Series,
    in_protons,
    read_rtionplan,
    spots_of,
    with_spots,
    write_rtionplan,
)
from tests.unit.io.dicom_edit import edit

ISOCENTRE_mm = (1.25, -20.5, 33.0)
EMPTY = IonPlan(
    "PELVIS 26 Gy",
    (),
    2,
    prescriptions=(Prescription(2, 26.0, "TARGET", "CTV"), Prescription(3, 20.8, "ORGAN_AT_RISK", "bladder")),
    structure_set_uid="1.2.3.4",
)
# The patient's left, front and head in the fixed axes x_f, y_f, z_f of IEC 61217, by what the names say.
PATIENT_AXES = {
    "HFS": np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
    "HFP": np.array([[-1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "FFS": np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "FFP": np.array([[1, 0, 0], [0, 0, -1], [0, -1, 0]]),
}


def some_spots(angles: tuple[float, ...] = (90.0, 270.0)) -> tuple[np.ndarray, np.ndarray]:
    """Three layers an angle, positions and weights with no short decimals."""
    rng = np.random.default_rng(4)
    rows = [
        np.column_stack([np.full(n, angle), rng.uniform(-40, 40, (n, 2)), np.full(n, energy)])
        for angle in angles
        for n, energy in ((7, 163.71), (1, 158.33), (12, 150.0 + 1 / 3))
    ]
    spots = np.concatenate(rows)
    return spots, 10.0 ** rng.uniform(-3, 2, len(spots))


def some_plan(plan: IonPlan = EMPTY, **fields: object) -> IonPlan:
    """A plan of `some_spots`."""
    spots, weights = some_spots()
    made = with_spots(plan, spots, weights, ISOCENTRE_mm, source_mm=(2300.0, 1900.0), machine="GENERIC")
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path, identity: Identity) -> Path:
    """A plan as written."""
    write_rtionplan(tmp_path / "RN.dcm", some_plan(), identity)
    return tmp_path / "RN.dcm"


def require_equal(a: IonPlan, b: IonPlan) -> None:
    """Every field, and every spot bit for bit."""
    assert replace(a, beams=()) == replace(b, beams=())
    for one, other in zip(a.beams, b.beams, strict=True):
        assert replace(one, layers=one.layers[:1]).__dict__ | {"layers": 0} == other.__dict__ | {"layers": 0}
        for layer, read in zip(one.layers, other.layers, strict=True):
            assert (layer.fwhm_mm, layer.tune) == (read.fwhm_mm, read.tune)
            assert read.energy_MeV == pytest.approx(layer.energy_MeV, rel=1e-12)  # a decimal string of 16 characters
            assert np.array_equal(layer.spots_mm, read.spots_mm)
            assert np.array_equal(layer.meterset, read.meterset)


# ---- geometry and units


@pytest.mark.parametrize("position", PATIENT_AXES)
@pytest.mark.parametrize("gantry_deg", [0.0, 37.0, 90.0, 215.0, 270.0])
def test_a_spot_of_the_gantry_system_lies_where_gemel_puts_it(position: str, gantry_deg: float) -> None:
    """IEC 61217: the gantry turns about y_f by +g from z_f to x_f, and the beam runs along -z_g. Worked with matrices here."""
    g = np.radians(gantry_deg)
    x_g, y_g, z_g = np.array([np.cos(g), 0, -np.sin(g)]), np.array([0, 1, 0]), np.array([np.sin(g), 0, np.cos(g)])
    left, front, head = PATIENT_AXES[position]
    to_lps = np.stack([left, -front, head])
    spots, weights = some_spots((gantry_deg,))
    plan = with_spots(EMPTY, spots, weights, ISOCENTRE_mm, source_mm=(np.inf, np.inf), machine="")
    turned = replace(plan, patient_position=position)
    rows, _, _ = spots_of(turned)
    x, y = spots[:, 1:2].astype(np.float32), spots[:, 2:3].astype(np.float32)
    a = np.radians(rows[:, :1])
    across = rows[:, 1:2] * np.concatenate([np.cos(a), np.sin(a), 0 * a], axis=1) + rows[:, 2:3] * np.array([0, 0, 1])
    np.testing.assert_allclose(across, (x * x_g + y * y_g) @ to_lps.T, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([-np.sin(a), np.cos(a), 0 * a], axis=1)[0], -(to_lps @ z_g), atol=1e-12)


@pytest.mark.parametrize("position", PATIENT_AXES)
def test_spots_come_back_through_every_position(position: str) -> None:
    spots, weights = some_spots((37.0, 215.0))
    plan = with_spots(replace(EMPTY, patient_position=position), spots, weights, ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="")
    back, course, isocentre_mm = spots_of(plan)
    np.testing.assert_allclose(back, spots.astype(np.float32), atol=1e-5)
    np.testing.assert_allclose(course, weights, rtol=1e-6)
    assert tuple(isocentre_mm) == ISOCENTRE_mm


def test_weights_of_the_course_are_protons_of_each_fraction() -> None:
    _, weights = some_spots()
    assert sum(beam.meterset for beam in some_plan().beams) == pytest.approx(1e6 * weights.sum() / 2, rel=1e-6)
    assert some_plan().unit == "NP"


def test_layers_without_protons_are_left_out_and_empty_plans_refused() -> None:
    spots, weights = some_spots()
    weights[:7] = 0.0
    plan = with_spots(EMPTY, spots, weights, ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="")
    assert [len(beam.layers) for beam in plan.beams] == [2, 3]
    with pytest.raises(InputError, match="no spot has a weight"):
        with_spots(EMPTY, spots, 0 * weights, ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="")
    for bad in (np.nan, -1.0):
        with pytest.raises(RangeError, match="negative or not finite"):
            with_spots(EMPTY, spots, np.full(len(spots), bad), ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="")


def test_monitor_units_become_protons_by_the_machines_own_table_only() -> None:
    plan = some_plan(unit="MU")
    with pytest.raises(UnitError, match="metersets in MU"):
        spots_of(plan)
    table = np.array([[100.0, 8e7], [160.0, 11e7], [200.0, 15e7]])
    protons = in_protons(plan, table)
    assert protons.unit == "NP"
    ratio = protons.beams[0].layers[0].meterset / plan.beams[0].layers[0].meterset
    np.testing.assert_allclose(ratio, 11e7 + (163.71 - 160) / 40 * 4e7, rtol=1e-6)
    with pytest.raises(RangeError, match=r"163.71 MeV in a table from 100 to 160"):
        in_protons(plan, table[:2])
    with pytest.raises(RangeError, match="does not rise"):
        in_protons(plan, table[::-1])
    with pytest.raises(UnitError, match="NP"):
        in_protons(protons, table)


def test_several_isocentres_are_taken_one_beam_at_a_time() -> None:
    plan = some_plan()
    moved = replace(plan, beams=(plan.beams[0], replace(plan.beams[1], isocentre_mm=(0.0, 0.0, 0.0))))
    with pytest.raises(GeometryError, match="2 isocentres"):
        spots_of(moved)
    assert tuple(spots_of(replace(moved, beams=moved.beams[1:]))[2]) == (0.0, 0.0, 0.0)


# ---- out and in


def test_a_plan_reads_back_bit_for_bit(file: Path) -> None:
    require_equal(some_plan(), read_rtionplan(file))


def test_everything_that_a_beam_may_carry_reads_back(tmp_path: Path, identity: Identity) -> None:
    plan = some_plan(unit="MU", patient_position="FFP", structure_set_uid="", prescriptions=())
    first, second = plan.beams
    layers = tuple(replace(layer, fwhm_mm=(9.5, 8.25), tune="2.0") for layer in first.layers)
    shifter = RangeShifter("RS 40", water_mm=41.5, isocentre_mm=312.25)
    first = replace(first, layers=layers, range_shifter=shifter, snout="S1", snout_mm=300.5, number=4)
    second = replace(second, source_mm=(np.inf, np.inf), range_shifter=RangeShifter("RS"), isocentre_mm=(0.0, 0.0, -0.125))
    plan = replace(plan, beams=(first, second))
    write_rtionplan(tmp_path / "RN.dcm", plan, identity)
    require_equal(plan, read_rtionplan(tmp_path / "RN.dcm"))


def test_what_is_written_is_a_scanned_proton_plan_of_two_points_a_layer(file: Path) -> None:
    dataset = pydicom.dcmread(file)
    assert (dataset.SOPClassUID, dataset.Modality) == ("1.2.840.10008.5.1.4.1.1.481.8", "RTPLAN")
    (group,) = dataset.FractionGroupSequence
    assert (group.NumberOfFractionsPlanned, group.NumberOfBeams) == (2, 2)
    for beam, referred in zip(dataset.IonBeamSequence, group.ReferencedBeamSequence, strict=True):
        assert (beam.RadiationType, beam.ScanMode, beam.PrimaryDosimeterUnit) == ("PROTON", "MODULATED", "NP")
        points = beam.IonControlPointSequence
        assert beam.NumberOfControlPoints == len(points) == 6
        assert referred.ReferencedBeamNumber == beam.BeamNumber
        assert referred.BeamMeterset == beam.FinalCumulativeMetersetWeight == points[-1].CumulativeMetersetWeight
        for point, following in pairwise(points):
            rise = float(following.CumulativeMetersetWeight) - float(point.CumulativeMetersetWeight)
            assert np.sum(point.ScanSpotMetersetWeights) == pytest.approx(rise, rel=1e-9)
        assert [float(v) for v in points[0].IsocenterPosition] == list(ISOCENTRE_mm)
    assert dataset.ReferencedStructureSetSequence[0].ReferencedSOPInstanceUID == "1.2.3.4"
    assert [item.get("TargetPrescriptionDose") for item in dataset.DoseReferenceSequence] == [26.0, None]


def test_no_plan_is_ever_written_as_approved(file: Path, identity: Identity) -> None:
    edit(file, lambda dataset: setattr(dataset, "ApprovalStatus", "APPROVED"))
    approved = read_rtionplan(file)
    assert approved.approval == "APPROVED"
    write_rtionplan(file, approved, identity)
    assert pydicom.dcmread(file).ApprovalStatus == "UNAPPROVED"
    assert with_spots(approved, *some_spots(), ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="").approval == "UNAPPROVED"


def test_writing_again_gives_equal_bytes_and_another_plan_another_uid(file: Path, identity: Identity) -> None:
    before = file.read_bytes()
    uid = write_rtionplan(file, some_plan(), identity)
    assert file.read_bytes() == before
    assert pydicom.dcmread(file).SOPInstanceUID == uid
    beam = some_plan().beams[0]
    layer = replace(beam.layers[0], meterset=np.nextafter(beam.layers[0].meterset, np.float32(np.inf)))
    others = (
        some_plan(label="OTHER"),
        some_plan(fractions=3),
        some_plan(beams=(replace(beam, layers=(layer, *beam.layers[1:])), some_plan().beams[1])),
        some_plan(beams=(replace(beam, gantry_deg=91.0), some_plan().beams[1])),
    )
    assert len({uid, *(write_rtionplan(file, other, identity) for other in others)}) == 5


def test_the_example_of_the_standard_is_read_as_it_says(tmp_path: Path, identity: Identity) -> None:
    """DICOM PS3.3 C.8.8.25.7: two segments, 200 MeV (10, 20) and 180 MeV (25, 15), cumulative weights 0, 30, 30, 70."""
    spots = np.array([[0.0, -40, -35, 200], [0, -40, -30, 200], [0, -55, -40, 180], [0, -55, -35, 180]])
    plan = with_spots(EMPTY, spots, np.ones(4), ISOCENTRE_mm, source_mm=(2e3, 2e3), machine="")
    write_rtionplan(tmp_path / "RN.dcm", plan, identity)

    def example(dataset: Dataset) -> None:
        item = dataset.IonBeamSequence[0]
        item.FinalCumulativeMetersetWeight, dataset.FractionGroupSequence[0].ReferencedBeamSequence[0].BeamMeterset = 70, 140
        for point, given, weights in zip(item.IonControlPointSequence, (0, 30, 30, 70), ((10, 20), (0, 0), (25, 15), (0, 0)), strict=True):
            point.CumulativeMetersetWeight, point.ScanSpotMetersetWeights = given, list(weights)

    edit(tmp_path / "RN.dcm", example)
    (only,) = read_rtionplan(tmp_path / "RN.dcm").beams
    assert [layer.energy_MeV for layer in only.layers] == [200.0, 180.0]
    assert [layer.meterset.tolist() for layer in only.layers] == [[20.0, 40.0], [50.0, 30.0]]  # BeamMeterset 140 for weights of 70
    assert [layer.spots_mm.tolist() for layer in only.layers] == [[[-40, -35], [-40, -30]], [[-55, -40], [-55, -35]]]


def test_weights_are_scaled_to_the_meterset_and_elements_last_until_they_change(file: Path) -> None:
    """Another writer's style: weights in per cent, energy and positions only where they change, energies as in the standard's example."""

    def other_style(dataset: Dataset) -> None:
        for beam in dataset.IonBeamSequence:
            total = float(beam.FinalCumulativeMetersetWeight)
            beam.FinalCumulativeMetersetWeight = 100
            for k, point in enumerate(beam.IonControlPointSequence):
                point.CumulativeMetersetWeight = f"{float(point.CumulativeMetersetWeight) * 100 / total:.4f}"
                point.ScanSpotMetersetWeights = [v * 100 / total for v in np.atleast_1d(point.ScanSpotMetersetWeights)]
                if k % 2:
                    del point.NominalBeamEnergy, point.ScanSpotPositionMap, point.NumberOfScanSpotPositions, point.ScanSpotTuneID

    edit(file, other_style)
    for beam, read in zip(some_plan().beams, read_rtionplan(file).beams, strict=True):
        for layer, found in zip(beam.layers, read.layers, strict=True):
            assert np.array_equal(layer.spots_mm, found.spots_mm)
            np.testing.assert_allclose(found.meterset, layer.meterset, rtol=1e-6)


def test_setup_beams_are_left_out(file: Path) -> None:
    edit(file, lambda dataset: setattr(dataset.IonBeamSequence[0], "TreatmentDeliveryType", "SETUP"))
    assert [beam.number for beam in read_rtionplan(file).beams] == [2]
    edit(file, lambda dataset: setattr(dataset.IonBeamSequence[1], "TreatmentDeliveryType", "SETUP"))
    with pytest.raises(InputError, match="no treatment beam"):
        read_rtionplan(file)


# ---- bad input


def beam(change: Callable[[Dataset], object]) -> Callable[[Dataset], object]:
    """A change of the second beam."""
    return lambda dataset: change(dataset.IonBeamSequence[1])


def point(index: int, keyword: str, value: object) -> Callable[[Dataset], object]:
    """A value in one control point of the second beam."""
    return beam(lambda item: setattr(item.IonControlPointSequence[index], keyword, value))


REFUSED = [
    (lambda d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.481.5"), InputError, "SOPClassUID 1.2.840.10008.5.1.4.1.1.481.5"),
    (lambda d: delattr(d, "FractionGroupSequence"), InputError, "no FractionGroupSequence"),
    (lambda d: delattr(d, "IonBeamSequence"), InputError, "no IonBeamSequence"),
    (lambda d: setattr(d.FractionGroupSequence[0], "NumberOfFractionsPlanned", None), InputError, "no NumberOfFractionsPlanned"),
    (lambda d: delattr(d.FractionGroupSequence[0].ReferencedBeamSequence[1], "BeamMeterset"), InputError, "no BeamMeterset in beam 2"),
    (lambda d: setattr(d.FractionGroupSequence[0].ReferencedBeamSequence[1], "BeamMeterset", 0), InputError, "BeamMeterset 0 and"),
    (lambda d: setattr(d.PatientSetupSequence[0], "PatientPosition", "HFDL"), GeometryError, "PatientPosition HFDL"),
    (lambda d: delattr(d.PatientSetupSequence[0], "PatientPosition"), GeometryError, "PatientPosition none"),
    (beam(lambda b: setattr(b, "ScanMode", "NONE")), InputError, "ScanMode NONE .passive scattering"),
    (beam(lambda b: setattr(b, "ScanMode", "UNIFORM")), InputError, "ScanMode UNIFORM"),
    (beam(lambda b: setattr(b, "RadiationType", "ION")), InputError, "RadiationType ION"),
    (beam(lambda b: setattr(b, "TreatmentDeliveryType", "OPEN_PORTFILM")), InputError, "TreatmentDeliveryType OPEN_PORTFILM"),
    (beam(lambda b: setattr(b, "NumberOfBlocks", 1)), InputError, "NumberOfBlocks = 1"),
    (beam(lambda b: setattr(b, "NumberOfCompensators", 1)), InputError, "NumberOfCompensators = 1"),
    (beam(lambda b: setattr(b, "NumberOfRangeShifters", 1)), InputError, "0 range shifters"),
    (beam(lambda b: setattr(b, "PrimaryDosimeterUnit", "MINUTE")), UnitError, "PrimaryDosimeterUnit MINUTE, NP"),
    (beam(lambda b: delattr(b, "PrimaryDosimeterUnit")), UnitError, "PrimaryDosimeterUnit NP, none"),
    (beam(lambda b: setattr(b, "BeamNumber", 1)), InputError, r"beams numbered \[1, 1\]"),
    (beam(lambda b: delattr(b, "VirtualSourceAxisDistances")), InputError, "no VirtualSourceAxisDistances in beam 2"),
    (point(0, "PatientSupportAngle", 10), GeometryError, "PatientSupportAngle 10"),
    (point(0, "TableTopPitchAngle", 2.0), GeometryError, "TableTopPitchAngle 2"),
    (point(0, "GantryAngle", None), InputError, "no GantryAngle"),
    (point(3, "GantryAngle", 271), GeometryError, "GantryAngle from 270 to 271"),
    (point(3, "IsocenterPosition", [0, 0, 0]), GeometryError, "IsocenterPosition that moves"),
    (point(0, "IsocenterPosition", ["nan", 0, 0]), InputError, "IsocenterPosition = "),
    (point(0, "NominalBeamEnergy", None), InputError, "no NominalBeamEnergy in control point 0 of beam 2"),
    (point(0, "ScanSpotPositionMap", None), InputError, "no ScanSpotPositionMap in control point 0 of beam 2"),
    (point(2, "ScanSpotPositionMap", [float("nan"), 1.0]), InputError, "ScanSpotPositionMap = "),
    (point(2, "ScanSpotPositionMap", [1.0, 1.0, 2.0, 2.0]), InputError, "4 coordinates and 1 weights of 1 spots"),
    (point(2, "ScanSpotMetersetWeights", 1.0), InputError, "add up to 1 where CumulativeMetersetWeight rises by"),
    (point(2, "CumulativeMetersetWeight", 0), InputError, "falling|add up"),
    (point(5, "CumulativeMetersetWeight", 1), InputError, "CumulativeMetersetWeight from 0 to 1 where"),
]


@pytest.mark.parametrize("change, error, match", REFUSED, ids=[match for _, _, match in REFUSED])
def test_a_plan_that_cannot_be_honoured_is_refused(
    file: Path, change: Callable[[Dataset], object], error: type[InputError], match: str
) -> None:
    edit(file, change)
    with pytest.raises(error, match=match) as caught:
        read_rtionplan(file)
    assert "RN.dcm" in str(caught.value) or caught.value.where == "PELVIS 26 Gy"
    assert caught.value.remedy


def test_a_range_shifter_that_moves_or_is_not_a_plate_is_refused(tmp_path: Path, identity: Identity) -> None:
    path, plan = tmp_path / "RN.dcm", some_plan()
    plan = replace(plan, beams=tuple(replace(b, range_shifter=RangeShifter("RS", 40.0)) for b in plan.beams))

    def out_in_layer_two(item: Dataset) -> None:
        settings = Dataset()
        settings.ReferencedRangeShifterNumber, settings.RangeShifterSetting = 1, "OUT"
        item.IonControlPointSequence[2].RangeShifterSettingsSequence = [settings]

    write_rtionplan(path, plan, identity)
    edit(path, beam(out_in_layer_two))
    with pytest.raises(InputError, match="or changes in beam 2"):
        read_rtionplan(path)
    write_rtionplan(path, plan, identity)
    edit(path, beam(lambda b: setattr(b.RangeShifterSequence[0], "RangeShifterType", "ANALOG")))
    with pytest.raises(InputError, match="1 range shifters of type ANALOG"):
        read_rtionplan(path)
    write_rtionplan(path, plan, identity)
    edit(path, beam(lambda b: setattr(b.IonControlPointSequence[0].RangeShifterSettingsSequence[0], "RangeShifterSetting", "OUT")))
    assert [b.range_shifter for b in read_rtionplan(path).beams] == [RangeShifter("RS", 40.0), None]


def test_a_plan_of_another_patient_or_frame_is_refused(file: Path, series: Series, identity: Identity) -> None:
    write_rtionplan(file, some_plan(), series.identity)
    assert read_rtionplan(file, series=series).label == "PELVIS 26 Gy"
    edit(file, lambda dataset: setattr(dataset, "FrameOfReferenceUID", "1.2.3"))
    with pytest.raises(IdentityError, match=r"frame of reference 1\.2\.3"):
        read_rtionplan(file, series=series)
    edit(file, lambda dataset: setattr(dataset, "PatientID", "P-002"))
    with pytest.raises(IdentityError, match="'P-002'"):
        read_rtionplan(file, series=series)


def test_every_cut_short_plan_is_refused(file: Path, tmp_path: Path) -> None:
    data = file.read_bytes()
    cut = tmp_path / "cut.dcm"
    before_last = data.rindex(b"\x0e\x30\x02\x00CS")  # ApprovalStatus, which a plan may lack
    for length in (n for n in range(0, len(data) - 1, 61) if not before_last <= n < before_last + 8):
        cut.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut\.dcm"):
            read_rtionplan(cut)


def test_bytes_that_change_are_an_error_or_another_plan_never_a_crash(file: Path, tmp_path: Path) -> None:
    data, rng, hit = file.read_bytes(), np.random.default_rng(8), tmp_path / "hit.dcm"
    for _ in range(150):
        changed = bytearray(data)
        for place in rng.integers(132, len(data), 3):
            changed[place] = int(rng.integers(256))
        hit.write_bytes(changed)
        try:
            plan = read_rtionplan(hit)
        except InputError:
            continue
        assert all(np.isfinite(layer.meterset).all() for item in plan.beams for layer in item.layers)


def test_plans_that_make_no_sense_cannot_be_made_or_written(tmp_path: Path, identity: Identity) -> None:
    plan = some_plan()
    layer = plan.beams[0].layers[0]
    for bad in (np.nan, -1.0):
        with pytest.raises(RangeError):
            replace(layer, meterset=np.full(7, bad, np.float32))
    with pytest.raises(RangeError, match="none at all"):
        replace(layer, meterset=np.zeros(7, np.float32))
    with pytest.raises((GeometryError, TypeError)):  # under pytest the shape checker sees it first
        replace(layer, meterset=layer.meterset[:3])
    with pytest.raises(RangeError, match="not finite and positive"):
        replace(layer, energy_MeV=0.0)
    with pytest.raises(InputError, match="1 spot sizes"):
        replace(layer, fwhm_mm=(3.0,))
    with pytest.raises(GeometryError, match="not finite"):
        replace(plan.beams[0], gantry_deg=np.nan)
    with pytest.raises(InputError, match="without layers"):
        IonBeam(1, "B", 0.0, (0.0, 0.0, 0.0), (), (1.0, 1.0))
    with pytest.raises(UnitError, match="metersets in Gy"):
        replace(plan, unit="Gy")
    with pytest.raises(GeometryError, match="HFDR"):
        replace(plan, patient_position="HFDR")
    with pytest.raises(RangeError, match="0 fractions"):
        replace(plan, fractions=0)
    with pytest.raises(InputError, match="without beams"):
        write_rtionplan(tmp_path / "out.dcm", EMPTY, identity)
    with pytest.raises(InputError, match="an empty PatientID"):
        write_rtionplan(tmp_path / "out.dcm", plan, Identity(""))
    for long in (replace(plan, label="L" * 17), replace(plan, beams=(replace(plan.beams[0], machine="A\\B"),))):
        with pytest.raises(InputError, match=r"a label or machine .* at most 16 characters"):
            write_rtionplan(tmp_path / "out.dcm", long, identity)
    assert not list(tmp_path.iterdir())
