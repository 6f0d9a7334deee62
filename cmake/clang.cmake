# Toolchain file of the sanitizer presets: the newest clang that is there (16 on Debian 12, 19 on 13).
find_program(TELEMETRY_CLANG NAMES clang-19 clang-18 clang-17 clang-16 clang)
if(NOT TELEMETRY_CLANG)
  message(FATAL_ERROR "clang 16 or newer is not installed. On Debian: scripts/packages test")
endif()
set(CMAKE_C_COMPILER ${TELEMETRY_CLANG})
string(REGEX REPLACE "clang(-[0-9]+)?$" "clang++\\1" CMAKE_CXX_COMPILER ${TELEMETRY_CLANG})
set(CMAKE_EXE_LINKER_FLAGS_INIT -fuse-ld=lld)
