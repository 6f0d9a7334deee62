-- A database that version 1 of the tables wrote (sqlite3 FILE .dump), with two rows.
PRAGMA application_id=1414286641;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (version INTEGER NOT NULL);
INSERT INTO meta VALUES(1);
CREATE TABLE journal_cursor (
  consumer TEXT PRIMARY KEY,
  journal_id BLOB NOT NULL,
  sequence INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO journal_cursor VALUES('sqlite',X'07070700000000000000000000000000',2);
CREATE TABLE topics (
  id INTEGER PRIMARY KEY,
  topic TEXT NOT NULL UNIQUE,
  device TEXT
);
INSERT INTO topics VALUES(1,'sensors/a/temperature','a');
INSERT INTO topics VALUES(2,'switch',NULL);
CREATE TABLE schemas (
  id INTEGER PRIMARY KEY, -- 64-bit hash of the document
  name TEXT NOT NULL,
  major INTEGER NOT NULL,
  minor INTEGER NOT NULL,
  extra INTEGER NOT NULL, -- 1: undeclared members are allowed, tables have a column for them
  document TEXT NOT NULL
);
INSERT INTO schemas VALUES(-6076358418653899914,'temperature_sensor',1,0,0,'{"name":"temperature_sensor","version":"1.0","topic_pattern":"sensors/{device}/temperature","time_field":"timestamp","sequence_field":"seq","fields":[{"name":"temperature","type":"float","required":true,"unit":"°C","validation":{"min":-50,"max":150}},{"name":"humidity","type":"float","unit":"%","validation":{"min":0,"max":100}},{"name":"sensor_id","type":"string","required":true,"validation":{"pattern":"^sensor-\\d{3,}$"}},{"name":"timestamp","type":"timestamp"},{"name":"seq","type":"integer","validation":{"min":0}}]}');
CREATE TABLE columns (
  schema_id INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  path TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  is_time INTEGER NOT NULL, -- 1: the schema's time field; see docs/sqlite.md
  PRIMARY KEY (schema_id, slot)
) WITHOUT ROWID;
INSERT INTO columns VALUES(-6076358418653899914,0,'temperature','temperature','number',0);
INSERT INTO columns VALUES(-6076358418653899914,1,'humidity','humidity','number',0);
INSERT INTO columns VALUES(-6076358418653899914,2,'sensor_id','sensor_id','string',0);
INSERT INTO columns VALUES(-6076358418653899914,3,'timestamp','timestamp','timestamp',1);
INSERT INTO columns VALUES(-6076358418653899914,4,'seq','seq','integer',0);
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
INSERT INTO partitions VALUES(1,'temperature_sensor_v1_p1',-6076358418653899914,'temperature_sensor',1,1,1,1,1795248000001000000,1795248000001000000,1795248000001000000,1795248000001000000,1);
INSERT INTO partitions VALUES(2,'raw_p2',0,'',0,2,2,1,1795248000002000000,1795248000002000000,1795248000002000000,1795248000002000000,1);
CREATE TABLE latest (
  topic_id INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  id INTEGER NOT NULL,
  partition_id INTEGER NOT NULL
);
INSERT INTO latest VALUES(1,1795248000001000000,1,1);
INSERT INTO latest VALUES(2,1795248000002000000,2,2);
CREATE TABLE replayed (
  reference INTEGER PRIMARY KEY,
  id INTEGER NOT NULL
);
CREATE TABLE views (name TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO views VALUES('messages');
INSERT INTO views VALUES('temperature_sensor_v1');
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 VALUES('topics','sqlite_autoindex_topics_1','1000 1');
INSERT INTO sqlite_stat1 VALUES('temperature_sensor_v1_p1','temperature_sensor_v1_p1_topic_time','500000 500 1');
INSERT INTO sqlite_stat1 VALUES('raw_p2','raw_p2_topic_time','500000 500 1');
CREATE TABLE IF NOT EXISTS "temperature_sensor_v1_p1" (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, time INTEGER NOT NULL, delay INTEGER NOT NULL, flags INTEGER NOT NULL, "temperature" REAL, "humidity" REAL, "sensor_id" TEXT, "timestamp" INTEGER, "seq" INTEGER);
INSERT INTO temperature_sensor_v1_p1 VALUES(1,1,1795248000001000000,0,9,23.510000000000001562,NULL,'sensor-001',NULL,7);
CREATE TABLE IF NOT EXISTS "raw_p2" (id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, time INTEGER NOT NULL, delay INTEGER NOT NULL, flags INTEGER NOT NULL, kind INTEGER NOT NULL, payload TEXT NOT NULL);
INSERT INTO raw_p2 VALUES(2,2,1795248000002000000,0,1,1,'on');
CREATE INDEX "temperature_sensor_v1_p1_topic_time" ON "temperature_sensor_v1_p1" (topic_id, time);
CREATE INDEX "raw_p2_topic_time" ON "raw_p2" (topic_id, time);
CREATE VIEW "messages" AS SELECT p.id AS id,t.topic AS topic,'{'||substr(coalesce(',"temperature":'||p."temperature",'')||coalesce(',"humidity":'||p."humidity",'')||coalesce(',"sensor_id":'||json_quote(p."sensor_id"),'')||coalesce(',"timestamp":'||'"'||CASE WHEN p.flags&8 THEN strftime('%Y-%m-%dT%H:%M:%S',p."timestamp"/1000000000-(p."timestamp"%1000000000<0),'unixepoch')||substr(printf('.%09d',(p."timestamp"%1000000000+1000000000)%1000000000),1,CASE WHEN p."timestamp"%1000000000=0 THEN 0 WHEN p."timestamp"%1000000=0 THEN 4 WHEN p."timestamp"%1000=0 THEN 7 ELSE 10 END)||'Z' ELSE strftime('%Y-%m-%dT%H:%M:%S',p.time/1000000000-(p.time%1000000000<0),'unixepoch')||substr(printf('.%09d',(p.time%1000000000+1000000000)%1000000000),1,CASE WHEN p.time%1000000000=0 THEN 0 WHEN p.time%1000000=0 THEN 4 WHEN p.time%1000=0 THEN 7 ELSE 10 END)||'Z' END||'"','')||coalesce(',"seq":'||p."seq",''),2)||'}' AS payload,strftime('%Y-%m-%dT%H:%M:%S',p.time/1000000000-(p.time%1000000000<0),'unixepoch')||substr(printf('.%09d',(p.time%1000000000+1000000000)%1000000000),1,CASE WHEN p.time%1000000000=0 THEN 0 WHEN p.time%1000000=0 THEN 4 WHEN p.time%1000=0 THEN 7 ELSE 10 END)||'Z' AS timestamp,strftime('%Y-%m-%dT%H:%M:%S',(p.time+p.delay)/1000000000-((p.time+p.delay)%1000000000<0),'unixepoch')||substr(printf('.%09d',((p.time+p.delay)%1000000000+1000000000)%1000000000),1,CASE WHEN (p.time+p.delay)%1000000000=0 THEN 0 WHEN (p.time+p.delay)%1000000=0 THEN 4 WHEN (p.time+p.delay)%1000=0 THEN 7 ELSE 10 END)||'Z' AS received_at,strftime('%Y-%m-%dT%H:%M:%S',(p.time+p.delay)/1000000000-((p.time+p.delay)%1000000000<0),'unixepoch')||substr(printf('.%09d',((p.time+p.delay)%1000000000+1000000000)%1000000000),1,CASE WHEN (p.time+p.delay)%1000000000=0 THEN 0 WHEN (p.time+p.delay)%1000000=0 THEN 4 WHEN (p.time+p.delay)%1000=0 THEN 7 ELSE 10 END)||'Z' AS created_at,p.time AS time_ns FROM "temperature_sensor_v1_p1" p JOIN topics t ON t.id=p.topic_id
UNION ALL SELECT p.id AS id,t.topic AS topic,CASE p.kind WHEN 0 THEN p.payload WHEN 1 THEN json_quote(p.payload) ELSE json_object('base64',p.payload) END AS payload,strftime('%Y-%m-%dT%H:%M:%S',p.time/1000000000-(p.time%1000000000<0),'unixepoch')||substr(printf('.%09d',(p.time%1000000000+1000000000)%1000000000),1,CASE WHEN p.time%1000000000=0 THEN 0 WHEN p.time%1000000=0 THEN 4 WHEN p.time%1000=0 THEN 7 ELSE 10 END)||'Z' AS timestamp,strftime('%Y-%m-%dT%H:%M:%S',(p.time+p.delay)/1000000000-((p.time+p.delay)%1000000000<0),'unixepoch')||substr(printf('.%09d',((p.time+p.delay)%1000000000+1000000000)%1000000000),1,CASE WHEN (p.time+p.delay)%1000000000=0 THEN 0 WHEN (p.time+p.delay)%1000000=0 THEN 4 WHEN (p.time+p.delay)%1000=0 THEN 7 ELSE 10 END)||'Z' AS received_at,strftime('%Y-%m-%dT%H:%M:%S',(p.time+p.delay)/1000000000-((p.time+p.delay)%1000000000<0),'unixepoch')||substr(printf('.%09d',((p.time+p.delay)%1000000000+1000000000)%1000000000),1,CASE WHEN (p.time+p.delay)%1000000000=0 THEN 0 WHEN (p.time+p.delay)%1000000=0 THEN 4 WHEN (p.time+p.delay)%1000=0 THEN 7 ELSE 10 END)||'Z' AS created_at,p.time AS time_ns FROM "raw_p2" p JOIN topics t ON t.id=p.topic_id;
CREATE VIEW "temperature_sensor_v1" AS SELECT p.id AS id,t.topic AS topic,strftime('%Y-%m-%dT%H:%M:%S',p.time/1000000000-(p.time%1000000000<0),'unixepoch')||substr(printf('.%09d',(p.time%1000000000+1000000000)%1000000000),1,CASE WHEN p.time%1000000000=0 THEN 0 WHEN p.time%1000000=0 THEN 4 WHEN p.time%1000=0 THEN 7 ELSE 10 END)||'Z' AS time,strftime('%Y-%m-%dT%H:%M:%S',(p.time+p.delay)/1000000000-((p.time+p.delay)%1000000000<0),'unixepoch')||substr(printf('.%09d',((p.time+p.delay)%1000000000+1000000000)%1000000000),1,CASE WHEN (p.time+p.delay)%1000000000=0 THEN 0 WHEN (p.time+p.delay)%1000000=0 THEN 4 WHEN (p.time+p.delay)%1000=0 THEN 7 ELSE 10 END)||'Z' AS received_at,p."temperature" AS "temperature",p."humidity" AS "humidity",p."sensor_id" AS "sensor_id",CASE WHEN p.flags&8 THEN strftime('%Y-%m-%dT%H:%M:%S',p."timestamp"/1000000000-(p."timestamp"%1000000000<0),'unixepoch')||substr(printf('.%09d',(p."timestamp"%1000000000+1000000000)%1000000000),1,CASE WHEN p."timestamp"%1000000000=0 THEN 0 WHEN p."timestamp"%1000000=0 THEN 4 WHEN p."timestamp"%1000=0 THEN 7 ELSE 10 END)||'Z' ELSE strftime('%Y-%m-%dT%H:%M:%S',p.time/1000000000-(p.time%1000000000<0),'unixepoch')||substr(printf('.%09d',(p.time%1000000000+1000000000)%1000000000),1,CASE WHEN p.time%1000000000=0 THEN 0 WHEN p.time%1000000=0 THEN 4 WHEN p.time%1000=0 THEN 7 ELSE 10 END)||'Z' END AS "timestamp",p."seq" AS "seq",NULL AS extra,p.time AS time_ns FROM "temperature_sensor_v1_p1" p JOIN topics t ON t.id=p.topic_id;
COMMIT;
