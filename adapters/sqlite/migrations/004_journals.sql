-- Version 4. A row is the message `id` of a journal: the one whose entry has the highest first_id that is not
-- above it. Rows of before are counted to the journal that the file follows now.
CREATE TABLE journals (
  first_id INTEGER PRIMARY KEY,
  journal_id BLOB NOT NULL
);
INSERT INTO journals SELECT 0, journal_id FROM journal_cursor LIMIT 1;
