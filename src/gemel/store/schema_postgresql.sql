-- The record, schema 3, for PostgreSQL: the same tables and refusals as in schema.sql.
CREATE TABLE IF NOT EXISTS event (
  sequence BIGINT PRIMARY KEY,
  twin     TEXT COLLATE "C" NOT NULL,
  version  BIGINT NOT NULL,
  kind     TEXT NOT NULL,
  valid_s  DOUBLE PRECISION NOT NULL,
  known_s  DOUBLE PRECISION NOT NULL,
  hash     TEXT NOT NULL UNIQUE,
  body     TEXT NOT NULL,
  UNIQUE (twin, version)
);
CREATE OR REPLACE FUNCTION gemel_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the record is append-only';
END $$;
CREATE OR REPLACE FUNCTION gemel_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF new.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM event)
    OR new.version <> (SELECT coalesce(max(version), 0) + 1 FROM event WHERE twin = new.twin) THEN
    RAISE EXCEPTION 'the record is append-only';
  END IF;
  RETURN new;
END $$;
CREATE OR REPLACE TRIGGER event_keeps BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION gemel_refuse();
CREATE OR REPLACE TRIGGER event_stays BEFORE DELETE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION gemel_refuse();
CREATE OR REPLACE TRIGGER event_follows BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION gemel_follow();
CREATE TABLE IF NOT EXISTS lease (
  twin    TEXT COLLATE "C" PRIMARY KEY,
  token   TEXT NOT NULL,
  actor   TEXT NOT NULL,
  since_s DOUBLE PRECISION NOT NULL,
  host    TEXT NOT NULL,
  boot    TEXT NOT NULL,
  pid     BIGINT NOT NULL,
  started TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS person (
  reference TEXT PRIMARY KEY,
  salt      TEXT NOT NULL,
  details   TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS object (
  uid   TEXT COLLATE "C" NOT NULL,
  hash  TEXT NOT NULL,
  event TEXT NOT NULL,
  PRIMARY KEY (uid, hash)
);
CREATE TABLE IF NOT EXISTS task (
  name        TEXT COLLATE "C" NOT NULL,
  queue       TEXT COLLATE "C" NOT NULL,
  number      BIGINT NOT NULL,
  environment TEXT NOT NULL,
  body        TEXT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  worker      TEXT NOT NULL,
  until_s     DOUBLE PRECISION NOT NULL,
  attempts    BIGINT NOT NULL,
  deaths      BIGINT NOT NULL,
  error       TEXT NOT NULL,
  result      TEXT NOT NULL,
  arrays      TEXT NOT NULL,
  hash        TEXT NOT NULL,
  seconds     DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (name, queue)
);
CREATE INDEX IF NOT EXISTS task_state ON task (state, queue, number);
CREATE INDEX IF NOT EXISTS task_arrays ON task (arrays) WHERE arrays <> '';
CREATE TABLE IF NOT EXISTS queue (
  name        TEXT COLLATE "C" PRIMARY KEY,
  title       TEXT NOT NULL,
  environment TEXT NOT NULL,
  made_s      DOUBLE PRECISION NOT NULL
);
-- What a file's header tells in SQLite: the schema, and the folder of the artefacts.
CREATE TABLE IF NOT EXISTS setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
