# The core's sources, for CMake, ESP-IDF and Zephyr alike.
set(telemetry_core_sources
  c_api.cpp card_journal.cpp card_reader.cpp checksum.cpp deadband.cpp decode.cpp journal_format.cpp
  json_pull.cpp mqtt_codec.cpp mqtt_session.cpp ring_buffer.cpp rule.cpp schema_table.cpp time.cpp
  topic.cpp utf8.cpp value.cpp)
list(TRANSFORM telemetry_core_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
