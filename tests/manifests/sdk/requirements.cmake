# As ESP-IDF asks components for what they require: their CMakeLists.txt is included by a script, where
# there are no targets, and idf_component_register() ends it.
macro(idf_component_register)
  set(registered ON)
  return()
endmacro()
function(ask)
  include(${FOLDER}/CMakeLists.txt)
  if(NOT registered)
    message(FATAL_ERROR "idf_component_register was not called")
  endif()
endfunction()
ask()
