// SPDX-License-Identifier: Apache-2.0
#include "adapters/mosquitto_broker.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

extern char** environ;

namespace telemetry::testing {
namespace {

using namespace std::chrono_literals;

pid_t spawn(const std::vector<std::string>& arguments, const std::string& output) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return failed == 0 ? pid : -1;
}

bool takes_connections(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "openssl");
  if (run_program(arguments) != 0) throw std::runtime_error("openssl failed: " + arguments[1]);
}

void copy_without_listener(const std::string& path, std::ofstream& out) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("listener ")) out << line << "\n";
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "telemetry-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(socket, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  ::close(socket);
  return ntohs(address.sin_port);
}

int run_program(const std::vector<std::string>& arguments) {
  const pid_t pid = spawn(arguments, "/dev/null");
  int status = 0;
  if (pid < 0 || ::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

Certificates::Certificates(const TemporaryFolder& folder)
    : ca(folder / "ca.pem"),
      server_cert(folder / "server.pem"),
      server_key(folder / "server.key"),
      client_cert(folder / "client.pem"),
      client_key(folder / "client.key"),
      other_ca(folder / "other.pem") {
  const auto authority = [&](const std::string& name, const std::string& file) {
    openssl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=" + name, "-keyout", file + ".key", "-out", file});
  };
  const auto signed_by_ca = [&](const std::string& name, const std::string& key,
                                const std::string& cert) {
    openssl({"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
             "/CN=" + name, "-keyout", key, "-out", cert + ".csr"});
    std::ofstream(cert + ".ext") << "subjectAltName=DNS:" << name << "\n";
    openssl({"x509", "-req", "-in", cert + ".csr", "-CA", ca, "-CAkey", ca + ".key",
             "-CAcreateserial", "-days", "2", "-extfile", cert + ".ext", "-out", cert});
  };
  authority("test authority", ca);
  authority("another authority", other_ca);
  signed_by_ca("localhost", server_key, server_cert);
  signed_by_ca("edge-1", client_key, client_cert);
}

MosquittoBroker::MosquittoBroker(const Settings& settings) : port_(free_port()) {
  std::ofstream conf(folder_ / "mosquitto.conf");
  conf << "user root\n"  // ignored unless we are root
       << "listener " << port_ << " 127.0.0.1\n";
  if (!settings.conf_file.empty()) {
    copy_without_listener(settings.conf_file, conf);
  } else {
    conf << "max_queued_messages 0\n"
         << "sys_interval 1\n"
         << "persistence " << (settings.persistence ? "true" : "false") << "\n"
         << "allow_anonymous " << (settings.users.empty() ? "true" : "false") << "\n";
  }
  conf << "persistence_location " << folder_.path() << "/\n";
  for (const auto& [user, password] : settings.users) {
    const bool first = !std::filesystem::exists(folder_ / "passwords");
    std::vector<std::string> arguments{"mosquitto_passwd", "-b"};
    if (first) arguments.emplace_back("-c");
    arguments.insert(arguments.end(), {folder_ / "passwords", user, password});
    if (run_program(arguments) != 0) throw std::runtime_error("mosquitto_passwd failed");
  }
  if (!settings.users.empty()) conf << "password_file " << (folder_ / "passwords") << "\n";
  for (const std::string& line : settings.lines) conf << line << "\n";
  if (settings.tls != nullptr) {
    tls_port_ = free_port();
    conf << "listener " << tls_port_ << " 127.0.0.1\n"
         << "cafile " << settings.tls->ca << "\n"
         << "certfile " << settings.tls->server_cert << "\n"
         << "keyfile " << settings.tls->server_key << "\n"
         << "require_certificate true\n";
  }
}

MosquittoBroker::~MosquittoBroker() { kill(); }

void MosquittoBroker::start() {
  // Debian has it in a folder that no PATH of a normal user names.
  for (const char* program : {"mosquitto", "/usr/local/sbin/mosquitto", "/usr/sbin/mosquitto"}) {
    pid_ = spawn({program, "-c", folder_ / "mosquitto.conf"}, folder_ / "log");
    if (pid_ >= 0) break;
  }
  if (pid_ < 0) throw std::runtime_error("mosquitto cannot be started; is it installed?");
  for (int i = 0; i < 1000; ++i) {
    if (takes_connections(port_)) return;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      std::ifstream log(folder_ / "log");
      throw std::runtime_error("mosquitto ended: " +
                               std::string(std::istreambuf_iterator(log), {}));
    }
    std::this_thread::sleep_for(10ms);
  }
  throw std::runtime_error("mosquitto takes no connections");
}

void MosquittoBroker::end(int signal) {
  if (pid_ < 0) return;
  ::kill(pid_, signal);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void MosquittoBroker::stop() { end(SIGTERM); }
void MosquittoBroker::kill() { end(SIGKILL); }

void MosquittoBroker::forget_sessions() const { std::filesystem::remove(folder_ / "mosquitto.db"); }

}  // namespace telemetry::testing
