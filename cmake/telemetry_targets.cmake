# How every target of the project is made: flags, output folders, tests.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(TELEMETRY_CCACHE ccache)
if(TELEMETRY_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${TELEMETRY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${TELEMETRY_CCACHE})
endif()

# Private flags of our own code; never seen by users of the library.
add_library(telemetry_flags INTERFACE)
target_compile_options(telemetry_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2
  "$<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast;-Wnon-virtual-dtor;-Woverloaded-virtual>")
if(NOT CMAKE_SYSTEM_NAME STREQUAL "Generic")
  target_compile_options(telemetry_flags INTERFACE -fno-omit-frame-pointer)
endif()
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(telemetry_flags INTERFACE -Werror)
endif()
if(CMAKE_UNITY_BUILD)
  target_compile_options(telemetry_flags INTERFACE  # files that are one here hide each other's names
    -Wno-shadow $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()
if(TELEMETRY_SANITIZE)
  # What every test of a sanitizer build runs with, processes that it starts included.
  find_program(TELEMETRY_ADDR2LINE addr2line)  # names the places in reports
  set(symbolizer external_symbolizer_path=${TELEMETRY_ADDR2LINE})
  set(TELEMETRY_TEST_ENVIRONMENT
    "ASAN_OPTIONS=${symbolizer}"
    "TSAN_OPTIONS=${symbolizer}:suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp"
    "UBSAN_OPTIONS=${symbolizer}:print_stacktrace=1"
    "TELEMETRY_MODEL_SCRIPTS=4" "TELEMETRY_MUTATIONS=500")  # of 40 and 10,000: far slower
  add_compile_options(-fsanitize=${TELEMETRY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TELEMETRY_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options(-fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/cmake/sanitizer_ignore.txt)
  endif()
endif()
if(TELEMETRY_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)  # the library's coverage is what guides libFuzzer
endif()

# telemetry_library(WORD): libtelemetry_WORD, exported as telemetry::WORD.
function(telemetry_library word)
  set(target telemetry_${word})
  add_library(${target} STATIC)
  add_library(telemetry::${word} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${word} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/libtelemetry)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:telemetry_flags>)
endfunction()

# telemetry_apart(TARGET FILES...): in the sanitizer trees eight files are compiled as one. These, whose
# names clash with a neighbour's, are compiled by themselves there, too.
function(telemetry_apart target)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# telemetry_app(NAME SOURCES... LIBS...)
function(telemetry_app name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} telemetry_flags)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT apps)
endfunction()

# telemetry_test(WORD SOURCES... LIBS... [INCLUDES...] [APART...] [PROGRAMS...] [TIMEOUT s] [WAITS] [THREADS]):
# tests of one room, one executable, one ctest entry named WORD.
#   APART    sources for telemetry_apart()
#   PROGRAMS that it runs
#   WAITS    for real programs most of its time: no other test runs beside it, but a build may
#   THREADS  what it tests has threads: built with ThreadSanitizer too, where other tests find nothing
function(telemetry_test word)
  cmake_parse_arguments(arg "WAITS;THREADS" "TIMEOUT" "SOURCES;LIBS;INCLUDES;APART;PROGRAMS" ${ARGN})
  if(TELEMETRY_SANITIZE STREQUAL "thread" AND NOT arg_THREADS)
    return()
  endif()
  set(target test_${word})
  add_executable(${target} ${arg_SOURCES})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/libtelemetry ${PROJECT_SOURCE_DIR}/tests
                                               ${arg_INCLUDES})
  target_link_libraries(${target} PRIVATE ${arg_LIBS} telemetry_flags Catch2::Catch2WithMain)
  target_compile_definitions(${target} PRIVATE
    TELEMETRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TELEMETRY_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  if(arg_APART)
    telemetry_apart(${target} ${arg_APART})
  endif()
  if(arg_PROGRAMS)
    add_dependencies(${target} ${arg_PROGRAMS})
  endif()
  add_test(NAME ${word} COMMAND ${target})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${word} PROPERTIES TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${TELEMETRY_TEST_ENVIRONMENT}")
  if(arg_WAITS)
    set_tests_properties(${word} PROPERTIES LABELS waits RUN_SERIAL ON)
  endif()
endfunction()
