-- The record, schema 3. `body` is the canonical JSON that the hash seals; the other columns repeat it for queries and are checked against it.
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
-- Work waiting and done: beside the chain, not part of the record. `name` is the hash of what a task computes, `hash` that of its result.
CREATE TABLE IF NOT EXISTS task (
  name        TEXT NOT NULL,
  queue       TEXT NOT NULL,
  number      INTEGER NOT NULL,
  environment TEXT NOT NULL,
  body        TEXT NOT NULL,
  state       TEXT NOT NULL,
  worker      TEXT NOT NULL,
  until_s     REAL NOT NULL,
  attempts    INTEGER NOT NULL,
  deaths      INTEGER NOT NULL,
  error       TEXT NOT NULL,
  result      TEXT NOT NULL,
  arrays      TEXT NOT NULL,
  hash        TEXT NOT NULL,
  seconds     REAL NOT NULL,
  PRIMARY KEY (name, queue)
);
CREATE INDEX IF NOT EXISTS task_state ON task (state, queue, number);
CREATE INDEX IF NOT EXISTS task_arrays ON task (arrays) WHERE arrays <> '';
-- What a queue is, and the versions of code and libraries that its tasks were put by.
CREATE TABLE IF NOT EXISTS queue (
  name        TEXT PRIMARY KEY,
  title       TEXT NOT NULL,
  environment TEXT NOT NULL,
  made_s      REAL NOT NULL
);
