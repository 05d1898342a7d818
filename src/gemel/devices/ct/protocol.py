"""What a technologist sets before a scan."""

from dataclasses import dataclass

from gemel.core.errors import RangeError

MOST_MAS, MOST_PITCH, MOST_SLICE_MM = 3000.0, 3.5, 10.0


@dataclass(frozen=True)
class Protocol:
    """Tube voltage, tube current × rotation time, pitch, slice thickness, kernel's name, strength of modulation (0 none, 1 full).

    Raises RangeError for what no CT scanner does.
    """

    kVp: float = 120.0
    mAs: float = 200.0
    pitch: float = 1.0
    slice_mm: float = 5.0
    kernel: str = "soft"
    modulation: float = 0.0

    def __post_init__(self) -> None:
        checks = (
            (60 <= self.kVp <= 150, f"{self.kVp:g} kVp", "use 60 to 150 kVp"),
            (0 < self.mAs <= MOST_MAS, f"{self.mAs:g} mAs", "mAs is the current in mA times seconds a rotation, above 0 and at most 3,000"),
            (
                0 < self.pitch <= MOST_PITCH,
                f"a pitch of {self.pitch:g}",
                "pitch is table feed a rotation over the beam's width, 0.2 to 3.5",
            ),
            (0 < self.slice_mm <= MOST_SLICE_MM, f"slices of {self.slice_mm:g} mm", "use 0.3 to 10 mm"),
            (0 <= self.modulation <= 1, f"a modulation of {self.modulation:g}", "use 0 (constant current) to 1 (least dose)"),
        )
        for right, found, remedy in checks:
            if not right:
                raise RangeError(found, where="Protocol", remedy=remedy)
