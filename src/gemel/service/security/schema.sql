-- Who may come in. Secrets are kept as hashes; persons of the record appear as pseudonymous subject keys alone.
CREATE TABLE IF NOT EXISTS account (
  name TEXT PRIMARY KEY, roles TEXT NOT NULL, password TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL, made_s REAL NOT NULL) STRICT;
-- who at the provider an account is: its name there may be given to another, `sub` never is
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, sub TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS session (
  secret TEXT PRIMARY KEY, name TEXT NOT NULL, made_s REAL NOT NULL, seen_s REAL NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS session_of ON session (name);
CREATE TABLE IF NOT EXISTS token (
  secret TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
  made_s REAL NOT NULL, until_s REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS link (secret TEXT PRIMARY KEY, name TEXT NOT NULL, until_s REAL NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS login (
  state TEXT PRIMARY KEY, nonce TEXT NOT NULL, verifier TEXT NOT NULL, onward TEXT NOT NULL, until_s REAL NOT NULL) STRICT;
-- party: an account's name, or @group; subject: a subject key, or * for everybody; relation: care, study or break-glass
CREATE TABLE IF NOT EXISTS care (
  party TEXT NOT NULL, subject TEXT NOT NULL, relation TEXT NOT NULL, until_s REAL, reason TEXT NOT NULL DEFAULT '',
  made_by TEXT NOT NULL, made_s REAL NOT NULL, PRIMARY KEY (party, subject, relation)) STRICT;
CREATE TABLE IF NOT EXISTS member (name TEXT NOT NULL, party TEXT NOT NULL, PRIMARY KEY (name, party)) STRICT;
