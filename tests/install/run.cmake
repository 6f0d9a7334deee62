function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGV}: ${result}\n${output}")
  endif()
endfunction()
file(REMOVE_RECURSE ${WORK}/prefix ${WORK}/missing)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix --component development)
list(REMOVE_ITEM COMPONENTS telemetry mqtt)
foreach(consumer IN LISTS COMPONENTS)
  file(REMOVE_RECURSE ${WORK}/${consumer})
  run(${CMAKE_COMMAND} -S ${SOURCE}/${consumer} -B ${WORK}/${consumer} -G ${GENERATOR}
      -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix)
  run(${CMAKE_COMMAND} --build ${WORK}/${consumer})
  run(${WORK}/${consumer}/consumer)
endforeach()

execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE}/missing -B ${WORK}/missing -G ${GENERATOR}
                        -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_PREFIX_PATH=${WORK}/prefix
                RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0 OR NOT output MATCHES "no component 'kafka'")
  message(FATAL_ERROR "A component that does not exist is not named:\n${output}")
endif()
