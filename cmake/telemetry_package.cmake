# The Debian package: programs, systemd units, configuration. scripts/package makes it.
set(packaging ${PROJECT_SOURCE_DIR}/packaging)
function(telemetry_unit program other description)
  configure_file(${packaging}/telemetry.service.in ${PROJECT_BINARY_DIR}/packaging/${program}.service @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/packaging/${program}.service DESTINATION /lib/systemd/system
          COMPONENT package EXCLUDE_FROM_ALL)
endfunction()
telemetry_unit(telemetry-gateway telemetry-edge "Telemetry from an MQTT broker, stored and served")
telemetry_unit(telemetry-edge telemetry-gateway "Telemetry from an MQTT broker, stored")
install(FILES ${packaging}/gateway.yaml DESTINATION /etc/telemetry COMPONENT package EXCLUDE_FROM_ALL)
install(DIRECTORY DESTINATION /etc/telemetry/schemas COMPONENT package EXCLUDE_FROM_ALL)
install(FILES LICENSE RENAME copyright DESTINATION /usr/share/doc/telemetry COMPONENT package EXCLUDE_FROM_ALL)
install(FILES docs/install.md CHANGELOG.md DESTINATION /usr/share/doc/telemetry COMPONENT package EXCLUDE_FROM_ALL)
install(DIRECTORY examples/schemas/ DESTINATION /usr/share/doc/telemetry/examples
        COMPONENT package EXCLUDE_FROM_ALL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME telemetry)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "libtelemetry maintainers <telemetry@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Stores telemetry from an MQTT broker, and serves it")
set(CPACK_PACKAGE_DESCRIPTION "telemetry-gateway and telemetry-edge subscribe at an MQTT broker, check each message
against the schema of its topic, and store it in SQLite. Nothing that was
acknowledged to the broker is lost. The gateway also serves what is stored:
REST, live streams, metrics. telemetry asks and inspects, telemetry-sim simulates devices.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL apps package)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)  # mqtts
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "mosquitto, sqlite3")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
file(WRITE ${PROJECT_BINARY_DIR}/packaging/conffiles "/etc/telemetry/gateway.yaml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${packaging}/postinst ${packaging}/prerm ${packaging}/postrm
                                       ${PROJECT_BINARY_DIR}/packaging/conffiles)
include(CPack)
