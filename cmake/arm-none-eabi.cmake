# Toolchain file: Cortex-M with GNU Arm and newlib, run in QEMU (preset `firmware`). Which CPU and which
# board is said per target, see cmake/telemetry_firmware.cmake.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
find_program(TELEMETRY_ARM_CXX arm-none-eabi-g++)
if(NOT TELEMETRY_ARM_CXX)
  message(FATAL_ERROR "arm-none-eabi-g++ is not installed. On Debian: scripts/packages firmware")
endif()
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_CXX_COMPILER ${TELEMETRY_ARM_CXX})
# They load the compiler's plugin for objects with link-time optimisation. `ar` without one lists no symbols of them,
# unless a GCC of the host is installed whose plugin it finds.
find_program(CMAKE_AR arm-none-eabi-gcc-ar REQUIRED)
find_program(CMAKE_RANLIB arm-none-eabi-gcc-ranlib REQUIRED)
# No start-up code and no linker script before a board is chosen, so CMake's checks link nothing.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
find_program(TELEMETRY_QEMU_ARM qemu-system-arm)
