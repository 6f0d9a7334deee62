# cmake --install: headers, libraries and find_package(telemetry COMPONENTS core telemetry mqtt files sqlite).
include(CMakePackageConfigHelpers)

set(telemetry_components core telemetry)
if(TELEMETRY_WITH_MQTT)
  list(APPEND telemetry_components mqtt)
endif()
if(TELEMETRY_WITH_FILES)
  list(APPEND telemetry_components files)
endif()
if(TELEMETRY_WITH_SQLITE)
  list(APPEND telemetry_components sqlite)
endif()
foreach(component IN LISTS telemetry_components)
  install(TARGETS telemetry_${component} EXPORT telemetry_${component}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
  install(EXPORT telemetry_${component} NAMESPACE telemetry:: COMPONENT development
          FILE telemetry_${component}.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/telemetry)
endforeach()
install(DIRECTORY include/telemetry DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
configure_package_config_file(cmake/telemetryConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/telemetryConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/telemetry)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/telemetryConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/telemetryConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/telemetryConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/telemetry COMPONENT development)
