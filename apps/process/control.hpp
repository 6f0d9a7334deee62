// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/environment.hpp"
#include "telemetry/error.hpp"

/// How a command line reaches the program that holds the journal: a socket beside its lock, for the
/// same user and root only. One request a connection; docs/control.md has the messages.
namespace telemetry::control {

/// Tells the caller how far the work is, as a JSON object. False when the caller has left: the work
/// should stop.
using Progress = std::function<bool(std::string_view json)>;
/// Does what was asked for. Both texts are JSON objects. Called from a thread of its own; several
/// requests run beside each other.
using Handler =
    std::function<Result<std::string>(std::string_view arguments, const Progress& progress)>;
using Handlers = std::map<std::string, Handler, std::less<>>;

/// A request that is over.
struct Done {
  std::string_view command;
  std::string_view arguments;  ///< a JSON object
  unsigned user = 0;           ///< uid of who asked
  const Result<std::string>& outcome;
};
/// Told of each before its caller is. Called as handlers are.
using OnDone = std::function<void(const Done&)>;

/// A text of a JSON object. Errors: invalid_argument  it has none of that name.
[[nodiscard]] Result<std::string> text_member(std::string_view json, std::string_view name);
/// The texts of an array; none where there is no such member. Errors: invalid_argument  something
/// else stands there.
[[nodiscard]] Result<std::vector<std::string>> text_members(std::string_view json,
                                                            std::string_view name);
/// Names of a JSON object's members. Errors: invalid_argument  it is none.
[[nodiscard]] Result<std::vector<std::string>> member_names(std::string_view json);
/// A member of a JSON object as JSON; empty when it has none of that name.
[[nodiscard]] std::string json_member(std::string_view json, std::string_view name);

/// Listens on FOLDER/control.sock for as long as it lives; its end waits for requests under way,
/// whose Progress says false from then on.
class Server {
 public:
  /// @param folder the journal's; its lock is held, so that no other server can be there.
  /// Errors: permission_denied, unavailable  the socket cannot be made.
  [[nodiscard]] static Result<std::unique_ptr<Server>> open(const std::string& folder,
                                                            Handlers handlers, OnDone on_done = {});
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state) noexcept;
  std::unique_ptr<State> state_;
};

/// A program listens there, for this user.
[[nodiscard]] bool is_served(const std::string& folder);

/// Asks the program that holds this journal, and waits for its answer.
/// Errors: not_found  no program listens there; permission_denied  it runs as another user;
/// unavailable  it ended before it had answered; else what its handler says.
[[nodiscard]] Result<std::string> call(
    const std::string& folder, std::string_view command, std::string_view arguments = "{}",
    const std::function<void(std::string_view json)>& on_progress = {});

}  // namespace telemetry::control
