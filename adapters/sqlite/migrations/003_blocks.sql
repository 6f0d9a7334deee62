-- Version 3. A table that is being filled is indexed by (block, topic_id, time), a block being 16,384 rows that
-- follow each other, and gets its index by (topic_id, time) when it is closed: see docs/decisions/0009.
ALTER TABLE partitions ADD COLUMN indexed INTEGER NOT NULL DEFAULT 1; -- 1: by (topic_id, time)
-- Tables of version 2 have no column `block`: the next row goes into a new one.
UPDATE partitions SET open = 0;

-- What a query may know of a block without reading it.
CREATE TABLE blocks (
  partition_id INTEGER NOT NULL,
  block INTEGER NOT NULL,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  time_min INTEGER NOT NULL,
  time_max INTEGER NOT NULL,
  PRIMARY KEY (partition_id, block)
) WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('blocks', 'blocks', '10000 30 1');
