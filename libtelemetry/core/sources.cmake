# The core's sources, for CMake, ESP-IDF and Zephyr alike.
set(telemetry_core_sources
  c_api.cpp value.cpp time.cpp topic.cpp utf8.cpp json_pull.cpp decode.cpp rule.cpp ring_buffer.cpp
  checksum.cpp
  journal_format.cpp mqtt_codec.cpp mqtt_session.cpp card_journal.cpp card_reader.cpp deadband.cpp
  schema_table.cpp)
list(TRANSFORM telemetry_core_sources PREPEND ${CMAKE_CURRENT_LIST_DIR}/)
