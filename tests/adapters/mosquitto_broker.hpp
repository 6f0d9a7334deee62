// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

/// A real mosquitto for tests: free ports, everything in a temporary folder, stopped by its pid.
namespace telemetry::testing {

/// A new folder under the system's temporary folder, removed with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

/// A port that nobody listens on.
[[nodiscard]] std::uint16_t free_port();
/// Runs a program and waits for it; its output is thrown away. The exit code, or -1.
int run_program(const std::vector<std::string>& arguments);

/// An authority, a server certificate for "localhost", a client certificate, and an authority that
/// has signed neither. PEM files made by the openssl program.
struct Certificates {
  explicit Certificates(const TemporaryFolder& folder);
  std::string ca, server_cert, server_key, client_cert, client_key, other_ca;
};

/// One mosquitto process, which can be stopped, killed and started again on the same port and
/// files.
class MosquittoBroker {
 public:
  struct Settings {
    bool persistence = true;
    const Certificates* tls = nullptr;  ///< adds a TLS listener that wants a client certificate
    std::vector<std::pair<std::string, std::string>> users;  ///< with any, nobody else gets in
    std::vector<std::string> lines;                          ///< more of mosquitto.conf
    /// A whole mosquitto.conf; only its listener and the place of its files are replaced.
    std::string conf_file;
  };

  MosquittoBroker() : MosquittoBroker(Settings{}) {}
  explicit MosquittoBroker(const Settings& settings);
  ~MosquittoBroker();
  MosquittoBroker(const MosquittoBroker&) = delete;
  MosquittoBroker& operator=(const MosquittoBroker&) = delete;

  /// Starts it and waits until it takes connections; throws std::runtime_error when it does not.
  void start();
  void stop();  ///< SIGTERM: sessions are saved when persistence is on
  void kill();  ///< SIGKILL
  /// Forgets all sessions; while it is stopped.
  void forget_sessions() const;
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::uint16_t tls_port() const noexcept { return tls_port_; }

 private:
  void end(int signal);

  TemporaryFolder folder_;
  std::uint16_t port_ = 0, tls_port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace telemetry::testing
