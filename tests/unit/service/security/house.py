"""A small house to try doors in: a record of two patients and a scanner, an archive of one study, and an application over them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI

from gemel import store
from gemel.service.app import create_app
from gemel.service.security.guard import Guard
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings

ANNA, BORIS = "anna-1", "boris-1"
STUDY = "1.2.826.0.1.3680043.8.498.1"
PATIENT_IDS = {ANNA: "A-100", BORIS: "B-200"}


class OneStudy:
    """An archive that holds one study, Anna's."""

    def find(self, level: str, filters: Mapping[str, str], **bounds: int) -> list[dict[str, str]]:
        """Its row, when it is asked for."""
        held = {"StudyInstanceUID": STUDY, "PatientID": PATIENT_IDS[ANNA], "IssuerOfPatientID": ""}
        return [held] if level == "study" and filters.get("StudyInstanceUID") == STUDY else []


def settings(folder: Path, **told: Any) -> Settings:
    """Settings over a record of Anna, Boris and a scanner."""
    address = str(folder / "twins.db")
    with store.open(address) as record:
        for twin, number in PATIENT_IDS.items():
            if not record.version(twin):
                person = record.keep_person({"patient_id": number, "issuer": "", "patient_name": f"SECRET^{twin}"})
                record.append(twin, "Ingested", {"system": "glioma", "person": person, "case": "0" * 64})
        if not record.version("scanner-1"):
            record.append("scanner-1", "Ingested", {"system": "ct_scanner", "case": "0" * 64})
    return Settings(address, folder / "service", **told)


def subject(guard: Guard, twin: str) -> str:
    """The subject key of Anna or Boris."""
    return subject_of_person(guard.key, PATIENT_IDS[twin])


def with_routes(told: Settings, *routers: APIRouter) -> FastAPI:
    """The application with further routes, as another part of gemel would bring them."""
    import gemel.service.app as module

    extra, installed = list(routers), module.routers
    try:
        module.routers = lambda name: extra if name == "gemel.service.api" else installed(name) if "page" not in name else []
        return create_app(told)
    finally:
        module.routers = installed
