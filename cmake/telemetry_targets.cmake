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
if(TELEMETRY_SANITIZE)
  # What every test of a sanitizer build runs with, processes that it starts included.
  set(TELEMETRY_TEST_ENVIRONMENT
    "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp"
    "UBSAN_OPTIONS=print_stacktrace=1"
    "TELEMETRY_MODEL_SCRIPTS=4" "TELEMETRY_MUTATIONS=500")  # of 40 and 10,000: far slower
  add_compile_options(-fsanitize=${TELEMETRY_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TELEMETRY_SANITIZE})
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

# telemetry_app(NAME SOURCES... LIBS...)
function(telemetry_app name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBS} telemetry_flags)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT apps)
endfunction()

# telemetry_test(WORD SOURCES... LIBS... [LABELS...] [TIMEOUT s] [ALONE]): tests of one room, one
# executable, one ctest entry named WORD. ALONE: waits for real programs, so nothing runs beside it.
function(telemetry_test word)
  cmake_parse_arguments(arg "ALONE" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  set(target test_${word})
  add_executable(${target} ${arg_SOURCES} $<TARGET_OBJECTS:telemetry_catch_main>)
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/libtelemetry ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${arg_LIBS} telemetry_flags Catch2::Catch2)
  target_compile_definitions(${target} PRIVATE
    TELEMETRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" TELEMETRY_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  add_test(NAME ${word} COMMAND ${target})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${word} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
                                          RUN_SERIAL ${arg_ALONE}
                                          ENVIRONMENT "${TELEMETRY_TEST_ENVIRONMENT}")
endfunction()
