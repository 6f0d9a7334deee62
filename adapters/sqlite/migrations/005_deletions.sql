-- Version 5. What was deleted, so that nothing of it comes back when it is replayed or imported.
CREATE TABLE deletions (
  sequence INTEGER PRIMARY KEY, -- of the journal: it covers messages below
  received_at INTEGER NOT NULL, -- ns; when it was asked for
  selection TEXT NOT NULL,      -- JSON, as in the journal
  row_count INTEGER NOT NULL    -- that were deleted
);
-- When the last row of a closed table was deleted, ns; it is dropped a day later, so that no query stands in it.
ALTER TABLE partitions ADD COLUMN emptied INTEGER NOT NULL DEFAULT 0;
