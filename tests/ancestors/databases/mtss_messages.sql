-- The table of MTSS on a Raspberry Pi and on the server.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  topic TEXT NOT NULL,
  payload TEXT NOT NULL,
  timestamp TEXT,
  received_at TEXT NOT NULL,
  created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_messages_topic ON messages(topic);
CREATE INDEX idx_messages_timestamp ON messages(timestamp);
INSERT INTO messages (topic, payload, timestamp, received_at) VALUES
  ('sensors/sensor-001/temperature', '{"temperature": 21.5, "sensor_id": "sensor-001"}', '2024-05-01T12:00:00', '2024-05-01T12:00:01'),
  ('sensors/sensor-002/temperature', '{"temperature": 19.25, "sensor_id": "sensor-002"}', NULL, '2024-05-01T12:00:02');
