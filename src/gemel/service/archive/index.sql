-- What is in the segments: made again from them when it is lost, so that it is flushed behind and never waited for.
CREATE TABLE IF NOT EXISTS study (
    id INTEGER PRIMARY KEY,
    StudyInstanceUID TEXT NOT NULL UNIQUE,
    PatientID TEXT NOT NULL DEFAULT '',
    IssuerOfPatientID TEXT NOT NULL DEFAULT '',
    PatientName TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    PatientBirthDate TEXT NOT NULL DEFAULT '',
    PatientSex TEXT NOT NULL DEFAULT '',
    StudyDate TEXT NOT NULL DEFAULT '',
    StudyTime TEXT NOT NULL DEFAULT '',
    AccessionNumber TEXT NOT NULL DEFAULT '',
    StudyDescription TEXT NOT NULL DEFAULT '',
    ReferringPhysicianName TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    StudyID TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS study_person ON study (PatientID, IssuerOfPatientID);
CREATE INDEX IF NOT EXISTS study_name ON study (PatientName);
CREATE INDEX IF NOT EXISTS study_date ON study (StudyDate);
CREATE INDEX IF NOT EXISTS study_accession ON study (AccessionNumber);
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    study INTEGER NOT NULL REFERENCES study (id),
    SeriesInstanceUID TEXT NOT NULL UNIQUE,
    Modality TEXT NOT NULL DEFAULT '',
    SeriesNumber TEXT NOT NULL DEFAULT '',
    SeriesDescription TEXT NOT NULL DEFAULT '',
    SeriesDate TEXT NOT NULL DEFAULT '',
    BodyPartExamined TEXT NOT NULL DEFAULT '',
    FrameOfReferenceUID TEXT NOT NULL DEFAULT '',
    StationName TEXT NOT NULL DEFAULT '',
    Manufacturer TEXT NOT NULL DEFAULT '',
    instances INTEGER NOT NULL DEFAULT 0,
    received_s REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS series_study ON series (study);
CREATE INDEX IF NOT EXISTS series_modality ON series (Modality);
CREATE INDEX IF NOT EXISTS series_received ON series (received_s);
CREATE TABLE IF NOT EXISTS instance (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    SOPInstanceUID TEXT NOT NULL UNIQUE,
    SOPClassUID TEXT NOT NULL,
    TransferSyntaxUID TEXT NOT NULL DEFAULT '',
    InstanceNumber TEXT NOT NULL DEFAULT '',
    AcquisitionDateTime TEXT NOT NULL DEFAULT '',
    AcquisitionDate TEXT NOT NULL DEFAULT '',
    AcquisitionTime TEXT NOT NULL DEFAULT '',
    "Rows" TEXT NOT NULL DEFAULT '',
    "Columns" TEXT NOT NULL DEFAULT '',
    NumberOfFrames TEXT NOT NULL DEFAULT '',
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    prefix_bytes INTEGER NOT NULL,
    data_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    source TEXT NOT NULL,
    received_s REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS instance_series ON instance (series);
-- Kept, but not served: other bytes under a UID that is held, or an object that contradicts its study or series.
CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY,
    SOPInstanceUID TEXT NOT NULL,
    SeriesInstanceUID TEXT NOT NULL,
    StudyInstanceUID TEXT NOT NULL,
    PatientID TEXT NOT NULL,
    IssuerOfPatientID TEXT NOT NULL,
    words TEXT NOT NULL,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    prefix_bytes INTEGER NOT NULL,
    data_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    source TEXT NOT NULL,
    received_s REAL NOT NULL,
    UNIQUE (SOPInstanceUID, sha256)
);
-- How much of each segment is in the tables above; `state`: whole, copied (by erasing, not yet named), doomed (to be deleted).
CREATE TABLE IF NOT EXISTS segment (number INTEGER PRIMARY KEY, indexed INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'whole');
CREATE TABLE IF NOT EXISTS damage (id INTEGER PRIMARY KEY, found_s REAL NOT NULL, segment INTEGER NOT NULL, offset INTEGER NOT NULL, words TEXT NOT NULL);
