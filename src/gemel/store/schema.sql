-- The record, schema 2. `body` is the canonical JSON that the hash seals; the other columns repeat it for queries and are checked against it.
CREATE TABLE IF NOT EXISTS event (
  sequence INTEGER PRIMARY KEY,
  twin     TEXT NOT NULL,
  version  INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  valid_s  REAL NOT NULL,
  known_s  REAL NOT NULL,
  hash     TEXT NOT NULL UNIQUE,
  body     TEXT NOT NULL,
  UNIQUE (twin, version)
);
CREATE TRIGGER IF NOT EXISTS event_keeps BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_follows BEFORE INSERT ON event
WHEN new.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM event)
  OR new.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM event WHERE twin = new.twin)
  OR EXISTS (SELECT 1 FROM event WHERE hash = new.hash)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
-- Who works on a twin for minutes; not part of the record.
CREATE TABLE IF NOT EXISTS lease (
  twin    TEXT PRIMARY KEY,
  token   TEXT NOT NULL,
  actor   TEXT NOT NULL,
  since_s REAL NOT NULL,
  host    TEXT NOT NULL,
  boot    TEXT NOT NULL,
  pid     INTEGER NOT NULL,
  started TEXT NOT NULL
);
-- Who a twin's person is: erasable. Events hold only `reference`, the SHA-256 of salt and details.
CREATE TABLE IF NOT EXISTS person (
  reference TEXT PRIMARY KEY,
  salt      TEXT NOT NULL,
  details   TEXT NOT NULL
);
-- Which bytes came under which UID; an index of the events, checked against them.
CREATE TABLE IF NOT EXISTS object (
  uid   TEXT NOT NULL,
  hash  TEXT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (uid, hash)
);
