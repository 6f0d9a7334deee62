-- Version 1. Statements run in one transaction; typed tables and views are made by the code.
PRAGMA application_id = 1414286641; -- "TLM1"

CREATE TABLE meta (version INTEGER NOT NULL);

-- How far each consumer has come, committed together with the rows.
CREATE TABLE journal_cursor (
  consumer TEXT PRIMARY KEY,
  journal_id BLOB NOT NULL,
  sequence INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL UNIQUE,
  device TEXT
);

CREATE TABLE schemas (
  id INTEGER PRIMARY KEY, -- 64-bit hash of the document
  name TEXT NOT NULL,
  major INTEGER NOT NULL,
  minor INTEGER NOT NULL,
  extra INTEGER NOT NULL, -- 1: undeclared members are allowed, tables have a column for them
  document TEXT NOT NULL
);

-- Which column of a table holds which field of the schema.
CREATE TABLE columns (
  schema_id INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  is_time INTEGER NOT NULL, -- 1: the schema's time field; see docs/sqlite.md
  PRIMARY KEY (schema_id, slot)
) WITHOUT ROWID;

CREATE TABLE partitions (
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL UNIQUE,
  schema_id INTEGER NOT NULL, -- 0: messages without schema
  schema_name TEXT NOT NULL,
  major INTEGER NOT NULL,
  first_id INTEGER,
  last_id INTEGER,
  row_count INTEGER NOT NULL,
  time_min INTEGER,
  time_max INTEGER,
  received_min INTEGER,
  received_max INTEGER,
  open INTEGER NOT NULL
);

-- The newest row of each topic by time.
CREATE TABLE latest (
  topic_id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  id INTEGER NOT NULL,
  partition_id INTEGER NOT NULL
);

-- Dead letters that were replayed: journal sequence of the original -> row.
CREATE TABLE replayed (
  reference INTEGER PRIMARY KEY,
  id INTEGER NOT NULL
);

-- Views that the code makes anew with each partition.
CREATE TABLE views (name TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE VIEW messages AS
SELECT 0 AS id, '' AS topic, '' AS payload, '' AS timestamp, '' AS received_at, '' AS created_at,
  0 AS time_ns WHERE 0;
INSERT INTO views VALUES ('messages');

-- Fixed statistics keep the query planner on the indexes; nothing is ever analysed.
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('topics', 'sqlite_autoindex_topics_1', '1000 1');
