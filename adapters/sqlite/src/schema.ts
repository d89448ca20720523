/** Steps of the log's tables. Never edit a step that was released: add one. */
export const logSchema: readonly string[] = [
  `CREATE TABLE log (
     id INTEGER PRIMARY KEY,
     name TEXT NOT NULL UNIQUE,
     head_seq INTEGER NOT NULL,
     trimmed_to INTEGER NOT NULL,
     epoch INTEGER NOT NULL,
     is_released INTEGER NOT NULL,
     is_closed INTEGER NOT NULL,
     is_active INTEGER NOT NULL,
     status TEXT NOT NULL,
     holder TEXT,
     lease_expires_at INTEGER NOT NULL,
     head TEXT NOT NULL
   );
   CREATE INDEX log_active ON log (name) WHERE is_active = 1;

   -- place = log.id << 32 | seq. An integer key keeps a log's entries side by side and the tree flat:
   -- inner pages hold keys alone, so the newest of a million costs what the first did.
   CREATE TABLE entry (place INTEGER PRIMARY KEY, text TEXT NOT NULL);

   CREATE TABLE submit_key (
     log INTEGER NOT NULL, key TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (log, key)
   ) WITHOUT ROWID;
   CREATE TABLE once (
     log INTEGER NOT NULL, name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (log, name)
   ) WITHOUT ROWID;
   CREATE TABLE source (
     log INTEGER NOT NULL, generation INTEGER NOT NULL, last_n INTEGER NOT NULL, PRIMARY KEY (log, generation)
   ) WITHOUT ROWID;`,
]

/** Steps of the tables of sessions and keys, beside the log's in the same file. */
export const storeSchema: readonly string[] = [
  `CREATE TABLE session (
     row INTEGER PRIMARY KEY,
     project TEXT NOT NULL,
     id TEXT NOT NULL,
     log TEXT NOT NULL UNIQUE,
     created_at TEXT NOT NULL,
     updated_at TEXT NOT NULL,
     deleted_at TEXT,
     status TEXT NOT NULL,
     agent TEXT,
     search TEXT NOT NULL,
     labels TEXT NOT NULL,
     spec TEXT NOT NULL
   );
   CREATE UNIQUE INDEX session_alias ON session (project, id) WHERE deleted_at IS NULL;
   CREATE INDEX session_newest ON session (project, created_at, id) WHERE deleted_at IS NULL;
   CREATE INDEX session_status ON session (project, status, created_at, id) WHERE deleted_at IS NULL;
   CREATE INDEX session_tombstone ON session (deleted_at, row) WHERE deleted_at IS NOT NULL;

   -- The listing's status moves in the transaction that moves the head.
   CREATE TRIGGER session_status_created AFTER INSERT ON log BEGIN
     UPDATE session SET status = NEW.status WHERE log = NEW.name;
   END;
   CREATE TRIGGER session_status_changed AFTER UPDATE OF status ON log WHEN NEW.status <> OLD.status BEGIN
     UPDATE session SET status = NEW.status WHERE log = NEW.name;
   END;

   CREATE TABLE api_key (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     project TEXT,
     created_at TEXT NOT NULL,
     hash TEXT NOT NULL UNIQUE
   );
   CREATE TABLE secret (
     scope TEXT NOT NULL, name TEXT NOT NULL, sealed TEXT NOT NULL, PRIMARY KEY (scope, name)
   ) WITHOUT ROWID;`,
]
