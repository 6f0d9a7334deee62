-- Version 2. Statistics with which the planner also takes the newest rows by id: it believed that going
-- through the topics and sorting their rows was cheaper.
UPDATE sqlite_stat1 SET stat = '100000 1' WHERE tbl = 'topics';
UPDATE sqlite_stat1 SET stat = '500000 50 1' WHERE tbl <> 'topics';
