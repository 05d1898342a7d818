from gemel.io.activity import ActivityRead, read_activity
from gemel.io.deidentify import deidentify
from gemel.io.deidentify_pseudonyms import Pseudonyms
from gemel.io.dicom_image import read_dicom, read_series
from gemel.io.dicom_write_image import write_image
from gemel.io.diffusion_visit import DiffusionRead, read_diffusion_visit
from gemel.io.diffusion_visit_write import write_diffusion_visit
from gemel.io.glioma_folders import as_visits
from gemel.io.glioma_layouts import read_lumiere, read_upenn_gbm
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.ion_plan import IonBeam, IonLayer, IonPlan, Prescription, RangeShifter
from gemel.io.ion_spots import in_protons, spots_of, with_spots
from gemel.io.labs import Labs, read_labs
from gemel.io.mri import VisitRead, read_visit
from gemel.io.nifti import read_nifti, write_nifti
from gemel.io.nm import read_nm
from gemel.io.nm_write import write_nm
from gemel.io.nuclear_header import Stated
from gemel.io.pet import read_pet
from gemel.io.pet_write import write_pet
from gemel.io.phantom_qc import QualityRead, read_quality
from gemel.io.rtdose import read_dose
from gemel.io.rtdose_write import DoseForm, write_dose
from gemel.io.rtionplan import read_rtionplan
from gemel.io.rtionplan_write import write_rtionplan
from gemel.io.rtstruct import read_structures
from gemel.io.rtstruct_write import write_structures
from gemel.io.sidecar import read_activity_nifti, read_names
from gemel.io.tissue_map import read_share, read_tensor
from gemel.io.uids import content_uid, is_uid
from gemel.io.units import convert

__all__ = [
    "ActivityRead",
    "DiffusionRead",
    "DoseForm",
    "Identity",
    "IonBeam",
    "IonLayer",
    "IonPlan",
    "Labs",
    "Prescription",
    "Pseudonyms",
    "QualityRead",
    "RangeShifter",
    "Series",
    "Stated",
    "VisitRead",
    "as_visits",
    "content_uid",
    "convert",
    "deidentify",
    "in_protons",
    "is_uid",
    "read_activity",
    "read_activity_nifti",
    "read_dicom",
    "read_diffusion_visit",
    "read_dose",
    "read_labs",
    "read_lumiere",
    "read_names",
    "read_nifti",
    "read_nm",
    "read_pet",
    "read_quality",
    "read_rtionplan",
    "read_series",
    "read_share",
    "read_structures",
    "read_tensor",
    "read_upenn_gbm",
    "read_visit",
    "require_same_frame",
    "require_same_patient",
    "spots_of",
    "with_spots",
    "write_diffusion_visit",
    "write_dose",
    "write_image",
    "write_nifti",
    "write_nm",
    "write_pet",
    "write_rtionplan",
    "write_structures",
]
