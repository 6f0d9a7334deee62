# Each adapter can be left out, and all of them, and the rest configures.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK}/options)
foreach(without MQTT FILES HTTP SQLITE "MQTT;FILES;HTTP;SQLITE")
  set(options "")
  foreach(adapter MQTT FILES HTTP SQLITE)
    if(adapter IN_LIST without)
      list(APPEND options -DTELEMETRY_WITH_${adapter}=OFF)
    else()
      list(APPEND options -DTELEMETRY_WITH_${adapter}=ON)
    endif()
  endforeach()
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/options -G ${GENERATOR}
                          -DCMAKE_CXX_COMPILER=${COMPILER} ${options}
                  RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0 OR NOT output MATCHES "No programs: they need")
    message(FATAL_ERROR "${options}: ${result}\n${output}")
  endif()
endforeach()
