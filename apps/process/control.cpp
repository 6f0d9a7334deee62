// SPDX-License-Identifier: Apache-2.0
#include "process/control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <list>
#include <optional>
#include <thread>
#include <utility>

#include "telemetry/export.hpp"

/// Life of a request: the acceptor takes the connection and gives it a thread; that reads one line,
/// calls the handler, writes a line for each progress and one for the outcome, and closes.
///
/// Limits: connections_max at once, a request of request_bytes_max that comes within patience_s, a
/// caller that takes each line within patience_s.
namespace telemetry::control {
namespace {

constexpr const char* socket_name = "control.sock";
constexpr std::size_t connections_max = 16;
constexpr std::size_t request_bytes_max = 64 * 1024;
constexpr int patience_s = 5;

/// A descriptor that closes itself.
class Handle {
 public:
  explicit Handle(int fd = -1) noexcept : fd_(fd) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  void reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

/// The socket's address by the folder's descriptor: a path of its own may be longer than an
/// address.
sockaddr_un address_in(int folder) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof(address.sun_path) - 1, "/proc/self/fd/{}/{}", folder,
                   socket_name);
  return address;
}

Error error_of(int number, const std::string& folder, std::string_view what) {
  return Error{number == EACCES || number == EPERM ? Errc::permission_denied : Errc::unavailable,
               fmt::format("{}/{}: {}: {}", folder, socket_name, what, errno_text(number))};
}

bool send_line(int to, std::string line) {
  line += '\n';
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t sent = ::send(to, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Lines of a connection, one after the other.
class Lines {
 public:
  Lines(int from, std::size_t line_bytes_max) : from_(from), line_bytes_max_(line_bytes_max) {}
  /// Nothing at the end, after an error, and when a line is too long.
  std::optional<std::string> next() {
    for (;;) {
      if (const auto end = waiting_.find('\n'); end != std::string::npos) {
        std::string line = waiting_.substr(0, end);
        waiting_.erase(0, end + 1);
        return line;
      }
      if (waiting_.size() > line_bytes_max_) return std::nullopt;
      std::array<char, 4096> piece;
      const ssize_t got = ::recv(from_, piece.data(), piece.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return std::nullopt;
      waiting_.append(piece.data(), static_cast<std::size_t>(got));
    }
  }

 private:
  int from_;
  std::size_t line_bytes_max_;
  std::string waiting_;
};

std::string text_of(const rapidjson::Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

const rapidjson::Value* member(const rapidjson::Value& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  const auto found = object.FindMember(
      rapidjson::Value(rapidjson::StringRef(name.data(), static_cast<unsigned>(name.size()))));
  return found == object.MemberEnd() ? nullptr : &found->value;
}

std::string_view string_of(const rapidjson::Value* value) {
  return value == nullptr || !value->IsString()
             ? std::string_view()
             : std::string_view(value->GetString(), value->GetStringLength());
}

std::string error_line(const Error& error) {
  std::string message;
  append_json_string(describe(error), message);
  return fmt::format(R"({{"error":{{"code":"{}","message":{}}}}})", to_string(error.code), message);
}

Errc code_named(std::string_view name) {
  for (int code = 0; code <= static_cast<int>(Errc::internal); ++code) {
    if (to_string(static_cast<Errc>(code)) == name) return static_cast<Errc>(code);
  }
  return Errc::internal;
}

/// Nothing where the system does not know who it is.
std::optional<unsigned> user_of(int peer) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
  return who.uid;
}

Result<std::string> handle(const Handlers& handlers, std::string_view request,
                           const Progress& progress, unsigned user, const OnDone& on_done) {
  rapidjson::Document document;
  document.Parse(request.data(), request.size());
  if (document.HasParseError() || !document.IsObject()) {
    return Error{Errc::invalid_argument, "a request is one JSON object on one line"};
  }
  const std::string_view command = string_of(member(document, "command"));
  const auto handler = handlers.find(command);
  if (handler == handlers.end()) {
    return Error{Errc::unimplemented,
                 fmt::format("the running program does not know {:?}", command)};
  }
  const rapidjson::Value* given = member(document, "arguments");
  const std::string arguments = given == nullptr ? "{}" : text_of(*given);
  Result<std::string> outcome = std::string();
  try {
    outcome = handler->second(arguments, progress);
  } catch (const std::exception& failure) {
    outcome = Error{Errc::internal, fmt::format("{}: {}", command, failure.what())};
  }
  if (on_done) on_done({command, arguments, user, outcome});
  return outcome;
}

}  // namespace

Result<std::string> text_member(std::string_view json, std::string_view name) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  const auto* found = document.HasParseError() ? nullptr : member(document, name);
  if (found != nullptr && found->IsString()) return std::string(string_of(found));
  return Error{Errc::invalid_argument, fmt::format("the text {:?} is missing", name)};
}

Result<std::vector<std::string>> text_members(std::string_view json, std::string_view name) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  const auto* found = document.HasParseError() ? nullptr : member(document, name);
  std::vector<std::string> texts;
  if (found == nullptr) return texts;
  const Error wrong{Errc::invalid_argument, fmt::format("{:?} is no list of texts", name)};
  if (!found->IsArray()) return wrong;
  for (const auto& one : found->GetArray()) {
    if (!one.IsString()) return wrong;
    texts.emplace_back(string_of(&one));
  }
  return texts;
}

Result<std::vector<std::string>> member_names(std::string_view json) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject()) {
    return Error{Errc::invalid_argument, "the arguments are one JSON object"};
  }
  std::vector<std::string> names;
  for (const auto& one : document.GetObject()) names.emplace_back(string_of(&one.name));
  return names;
}

std::string json_member(std::string_view json, std::string_view name) {
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  const auto* found = document.HasParseError() ? nullptr : member(document, name);
  return found == nullptr ? std::string() : text_of(*found);
}

struct Server::State {
  struct Connection {
    Handle socket;
    std::atomic<bool> done{false};
    std::jthread thread;
  };

  ~State();
  void accept();
  void serve(Connection& connection);

  Handlers handlers;
  OnDone on_done;
  Handle folder, listener, wake_read, wake_write;
  std::atomic<bool> stopping{false};
  std::list<Connection> connections;  // the acceptor's
  std::jthread acceptor;
};

Server::State::~State() {
  stopping = true;
  if (acceptor.joinable()) {
    const char any = 0;
    (void)!::write(wake_write.get(), &any, 1);
    acceptor.join();
  }
  // Those who have not sent their request yet are cut off; the others get their answer.
  for (Connection& connection : connections) ::shutdown(connection.socket.get(), SHUT_RD);
  connections.clear();  // joins
  if (listener) ::unlinkat(folder.get(), socket_name, 0);
}

void Server::State::accept() {
  while (!stopping) {
    pollfd events[] = {{listener.get(), POLLIN, 0}, {wake_read.get(), POLLIN, 0}};
    if (::poll(events, 2, -1) < 0 && errno != EINTR) return;
    if (stopping || (events[0].revents & POLLIN) == 0) continue;
    Handle socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    connections.remove_if([](const Connection& connection) { return connection.done.load(); });
    if (!socket) continue;
    const timeval patience{patience_s, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connections.size() == connections_max) {
      send_line(socket.get(),
                error_line({Errc::resource_exhausted,
                            "the running program serves as many callers as it may; try again"}));
      continue;
    }
    Connection& connection = connections.emplace_back();
    connection.socket = std::move(socket);
    connection.thread = std::jthread([this, &connection] { serve(connection); });
  }
}

void Server::State::serve(Connection& connection) {
  const int peer = connection.socket.get();
  const auto user = user_of(peer);
  if (const auto request = Lines(peer, request_bytes_max).next(); request && user) {
    const Progress progress = [&](std::string_view json) {
      pollfd hung_up{peer, POLLRDHUP, 0};
      if (stopping || ::poll(&hung_up, 1, 0) > 0) return false;
      return send_line(peer, fmt::format(R"({{"progress":{}}})", json));
    };
    auto outcome = handle(handlers, *request, progress, *user, on_done);
    send_line(peer,
              outcome ? fmt::format(R"({{"result":{}}})", *outcome) : error_line(outcome.error()));
  }
  ::shutdown(peer, SHUT_RDWR);
  connection.done = true;
}

Server::Server(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::open(const std::string& folder, Handlers handlers,
                                             OnDone on_done) {
  auto state = std::make_unique<State>();
  state->handlers = std::move(handlers);
  state->on_done = std::move(on_done);
  state->folder = Handle(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int wake[2];
  if (!state->folder || ::pipe2(wake, O_CLOEXEC) != 0) return error_of(errno, folder, "no folder");
  state->wake_read = Handle(wake[0]);
  state->wake_write = Handle(wake[1]);
  Handle listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // Whoever left one behind is gone: it does not hold the lock any more.
  ::unlinkat(state->folder.get(), socket_name, 0);
  const sockaddr_un address = address_in(state->folder.get());
  // Nobody can connect before listen(), and then only the same user and root.
  if (!listener ||
      ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::fchmodat(state->folder.get(), socket_name, 0600, 0) != 0 ||
      ::listen(listener.get(), connections_max) != 0) {
    return error_of(errno, folder, "cannot listen");
  }
  state->listener = std::move(listener);
  state->acceptor = std::jthread([state = state.get()] { state->accept(); });
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

namespace {

Result<Handle> connect(const std::string& folder) {
  const Error nobody{Errc::not_found, fmt::format("{}: no running program holds it", folder)};
  const Handle place(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!place) return errno == ENOENT ? nobody : error_of(errno, folder, "cannot be opened");
  Handle socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = address_in(place.get());
  if (!socket ||
      ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return nobody;
    return error_of(errno, folder, "cannot be reached; it belongs to another user?");
  }
  return socket;
}

}  // namespace

bool is_served(const std::string& folder) { return static_cast<bool>(connect(folder)); }

Result<std::string> call(const std::string& folder, std::string_view command,
                         std::string_view arguments,
                         const std::function<void(std::string_view)>& on_progress) {
  const auto socket = connect(folder);
  if (!socket) return socket.error();
  std::string name;
  append_json_string(command, name);
  send_line(socket->get(), fmt::format(R"({{"command":{},"arguments":{}}})", name, arguments));
  Lines lines(socket->get(), SIZE_MAX);
  while (const auto line = lines.next()) {
    rapidjson::Document answer;
    answer.Parse(line->data(), line->size());
    if (answer.HasParseError()) break;
    if (const auto* progress = member(answer, "progress")) {
      if (on_progress) on_progress(text_of(*progress));
    } else if (const auto* result = member(answer, "result")) {
      return text_of(*result);
    } else if (const auto* error = member(answer, "error")) {
      return Error{code_named(string_of(member(*error, "code"))),
                   std::string(string_of(member(*error, "message")))};
    }
  }
  return Error{Errc::unavailable,
               fmt::format("{}: the running program ended before it had answered", folder)};
}

}  // namespace telemetry::control
