# How firmware is made: the core once a CPU, images for boards, tests that run images in QEMU.
set(telemetry_firmware_dir ${PROJECT_SOURCE_DIR}/examples/firmware)

# What would bring a heap is renamed to symbols that nobody defines: a link error, also on boards
# whose support package has an _sbrk.
set(telemetry_heap_functions malloc calloc realloc free _malloc_r _calloc_r _realloc_r _free_r _sbrk
    _Znwj _Znaj _ZdlPv _ZdlPvj _ZdaPv _ZdaPvj)
list(TRANSFORM telemetry_heap_functions PREPEND -Wl,--wrap= OUTPUT_VARIABLE telemetry_wrap_heap)

add_library(telemetry_firmware_flags INTERFACE)
target_compile_features(telemetry_firmware_flags INTERFACE cxx_std_20)
target_compile_options(telemetry_firmware_flags INTERFACE
  -ffunction-sections -fdata-sections -fno-exceptions -fno-unwind-tables
  -fno-asynchronous-unwind-tables -Wvla -Walloca -Wdouble-promotion
  "$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti;-fno-threadsafe-statics;-fno-use-cxa-atexit>")
# Neither libstdc++ nor start files, and of the C library only what needs no system below it.
target_link_options(telemetry_firmware_flags INTERFACE
  -nostartfiles -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments)

# telemetry_cpu(NAME FLAGS...): the targets telemetry_core_NAME and telemetry_start_NAME.
function(telemetry_cpu name)
  add_library(telemetry_cpu_${name} INTERFACE)
  target_link_libraries(telemetry_cpu_${name} INTERFACE telemetry_firmware_flags)
  target_compile_options(telemetry_cpu_${name} INTERFACE ${ARGN})
  target_link_options(telemetry_cpu_${name} INTERFACE ${ARGN})

  get_target_property(sources telemetry_core SOURCES)
  add_library(telemetry_core_${name} STATIC EXCLUDE_FROM_ALL ${sources})
  target_include_directories(telemetry_core_${name} PUBLIC ${PROJECT_SOURCE_DIR}/include
                                                    PRIVATE ${PROJECT_SOURCE_DIR}/libtelemetry)
  target_link_libraries(telemetry_core_${name} PUBLIC telemetry_cpu_${name} PRIVATE telemetry_flags)

  add_library(telemetry_start_${name} OBJECT EXCLUDE_FROM_ALL
    ${telemetry_firmware_dir}/boards/start.cpp ${telemetry_firmware_dir}/boards/stack.cpp
    ${telemetry_firmware_dir}/drivers/semihosting.cpp)
  target_include_directories(telemetry_start_${name} PUBLIC ${telemetry_firmware_dir})
  target_link_libraries(telemetry_start_${name} PUBLIC telemetry_cpu_${name} PRIVATE telemetry_flags)
endfunction()

telemetry_cpu(cortex_m0 -mcpu=cortex-m0 -mthumb)
telemetry_cpu(cortex_m3 -mcpu=cortex-m3 -mthumb)
telemetry_cpu(cortex_m3_lto -mcpu=cortex-m3 -mthumb -flto)
telemetry_cpu(cortex_m4f -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16)

# Board (QEMU's name), CPU, folder under boards/, RAM that an image may use.
set(telemetry_board_mps2-an385 cortex_m3 mps2 50K)
set(telemetry_board_mps2-an386 cortex_m4f mps2 50K)
set(telemetry_board_lm3s6965evb cortex_m3 lm3s6965evb 50K)
set(telemetry_board_microbit cortex_m0 microbit 16K)

# telemetry_firmware(NAME BOARD b SOURCES s... [STACK bytes] [RAM 16K] [FLASH 24K] [CORE_FLASH bytes]
#                    [LTO] [HEAP_ALLOWED])
# One image NAME.elf. More stack than is free, and more RAM, flash or core than is named here, are
# link errors. LTO: optimised as one program (CORE_FLASH knows no core then). HEAP_ALLOWED is for images
# that show what the checks find.
function(telemetry_firmware name)
  cmake_parse_arguments(arg "HEAP_ALLOWED;LTO" "BOARD;STACK;RAM;FLASH;CORE_FLASH" "SOURCES" ${ARGN})
  list(GET telemetry_board_${arg_BOARD} 0 cpu)
  list(GET telemetry_board_${arg_BOARD} 1 folder)
  list(GET telemetry_board_${arg_BOARD} 2 ram)
  if(arg_RAM)
    set(ram ${arg_RAM})
  endif()
  if(arg_LTO)
    string(APPEND cpu _lto)
  endif()
  set(boards ${telemetry_firmware_dir}/boards)
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${boards}/${folder})
  target_link_libraries(${name} PRIVATE telemetry_start_${cpu} telemetry_core_${cpu} telemetry_flags
                                        -Wl,--start-group -lc_nano -lgcc -Wl,--end-group)
  target_link_options(${name} PRIVATE -L${boards}/${folder} -T${boards}/sections.ld -Wl,--defsym=ram_bytes=${ram}
                                      -Wl,-Map=$<TARGET_FILE:${name}>.map)
  if(NOT arg_HEAP_ALLOWED)
    target_link_options(${name} PRIVATE ${telemetry_wrap_heap})
  endif()
  foreach(limit STACK FLASH CORE_FLASH)
    if(arg_${limit})
      string(TOLOWER ${limit} word)
      target_link_options(${name} PRIVATE -Wl,--defsym=${word}_bytes=${arg_${limit}})
    endif()
  endforeach()
  set_target_properties(${name} PROPERTIES SUFFIX .elf
    LINK_DEPENDS "${boards}/sections.ld;${boards}/${folder}/memory.ld"
    CROSSCOMPILING_EMULATOR "${TELEMETRY_QEMU_ARM};-M;${arg_BOARD};-nographic;-monitor;none;-serial;none;-nic;none;-semihosting-config;enable=on,target=native;-kernel")
endfunction()

# telemetry_qemu_test(NAME COMMAND...): add_test(), or without QEMU a skipped test that says why; in
# CI that is a failure.
function(telemetry_qemu_test name)
  if(TELEMETRY_QEMU_ARM)
    add_test(NAME ${name} COMMAND ${ARGN})
  elseif("$ENV{CI}" STREQUAL "true")
    message(FATAL_ERROR "qemu-system-arm is not installed. On Debian: scripts/packages firmware")
  else()
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: qemu-system-arm is not installed")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "^skipped:")
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT 60)
endfunction()
