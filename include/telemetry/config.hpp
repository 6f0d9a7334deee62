// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/error.hpp"
#include "telemetry/message.hpp"

namespace telemetry {

enum class OptionType : std::uint8_t {
  text,
  secret,   ///< as text, but never shown; KEY_file reads it from a file
  boolean,  ///< true or false, also True and TRUE
  integer,
  number,
  duration,    ///< "90d", "24h", "1h30m", "1.5s", "2ms"; a plain number is seconds
  choice,      ///< one of `choices`; case does not matter
  text_list,   ///< a list of texts, or one text with commas; each one of `choices` if there are any
  topic_list,  ///< a list of topic filters: {topic, qos, retained} or plain text; or one text with
               ///< commas
  choice_map,  ///< a map of names to `choices`; read with text_list() as "name=choice"
  key_list,    ///< API keys: plain texts or {name, hash, role, topics, expires}; never shown
};

/// One option. The tables of all rooms and adapters are the only place that knows keys: parsing,
/// checks, environment names, the reference page and the JSON Schema come from them.
struct Option {
  std::string_view key;  ///< dotted, below the prefix of its table: "tls.ca_file"
  OptionType type = OptionType::text;
  std::string_view fallback = {};  ///< default as it would be written; empty = unset
  std::string_view doc;            ///< one sentence; ends with a full stop
  std::string_view unit = {};      ///< "s", "ms", "MB", ...
  double min = 0;                  ///< integer, number (both 0 = unbounded), duration in s
  double max = 0;
  std::string_view choices = {};  ///< "a|b|c"
  bool reloadable = false;        ///< a change takes effect at a reload; else at the next start
  bool built = true;              ///< false: the key is checked, and setting it to anything but its
                                  ///< default is refused: the feature does not exist yet
  std::string_view unbuilt = {};  ///< "a|b": choices that are known and refused in the same way
  std::string_view remedy = {};   ///< what to write instead of what is refused
  std::string_view app = {};      ///< the one app that uses it ("gateway"); empty = every app
  bool empty_if_unset = false;    ///< `${NAME}` of a variable that is not set is empty, no mistake
  bool private_file = false;      ///< names a file that is a secret: warned of when every user of
                                  ///< this machine can read it
};

/// The parts of "scheme://user:password@host:port/path".
struct Url {
  std::string scheme;  ///< lower case; empty for a bare "host" or "host:port"
  std::optional<std::string> user;
  std::optional<std::string> password;
  std::string host;  ///< an IPv6 address without its brackets
  std::optional<int> port;
  std::string path;  ///< without the leading slash and without a query
};

/// A URL that may stand in the place of one option and says others of its section, too.
struct UrlForm {
  struct Setting {
    std::string_view key;  ///< below the prefix: "port"
    std::string value;
    bool implied = false;  ///< weaker than what any source says
  };
  std::string_view option = {};  ///< which one takes it: "broker"; it becomes the host
  /// The other settings that it stands for; nothing: no URL of this kind.
  std::optional<std::vector<Setting>> (*split)(const Url& url) = nullptr;
  std::string_view refusal = {};  ///< "is no URL of a broker"; never shows the URL, which may hold
                                  ///< a password
  std::string_view remedy = {};
};

/// The options of one section, or of whole files where `prefix` is empty. The same options may
/// stand in several tables, under other prefixes.
struct OptionTable {
  std::string_view prefix;  ///< "mqtt", "storage.filesystem"
  std::span<const Option> options;
  std::string_view entry = {};  ///< the section may be a list; what one entry of it looks like
  UrlForm url = {};
};

/// Where a setting came from, for messages.
struct Origin {
  std::string file;  ///< path, "environment NAME" or "command line --name"
  int line = 0;
  int column = 0;
};

/// A topic filter to subscribe to.
struct Subscription {
  std::string filter;
  std::uint8_t qos = 1;
  /// Of its retained messages; nothing = that of the connection. Where several filters match a
  /// topic, the most specific one counts.
  std::optional<RetainedPolicy> retained = {};
};

namespace config {
struct State;
}

/// A checked configuration: every key known, every value of its type and inside its bounds.
///
/// Lists of sections (mqtt as a list) are addressed with an index: "mqtt[1].broker"; "mqtt.broker"
/// is the same as "mqtt[0].broker"; entries() has them. Reading a key that is in no table is a
/// programmer error (assert). Thread: immutable after load. Copies are cheap and share the state.
class Config {
 public:
  struct Sources {
    std::string file;  ///< empty = the one that CONFIG_PATH names, else no file: defaults only
    /// "section.key" -> text, from the command line; strongest. Lists: comma separated, as in the
    /// file, or YAML "[..]".
    std::vector<std::pair<std::string, std::string>> overrides;
    /// Environment to read; null = the process's.
    std::function<std::optional<std::string>(const std::string& name)> environment;
    std::function<std::vector<std::string>()> environment_names;
    std::string app;  ///< "edge", "gateway", ...: sections of other apps are checked and inert
  };

  /// Order of strength: command line, environment, file, default. `${NAME}` and `${NAME:-default}`
  /// expand. All mistakes are appended to `diagnostics`, sorted by place; warnings too. A value of
  /// a secret is never part of them. Errors: invalid_argument  there are mistakes (see
  /// diagnostics); not_found, permission_denied the file cannot be read.
  [[nodiscard]] static Result<Config> load(const Sources& sources,
                                           std::span<const OptionTable> tables,
                                           std::vector<Diagnostic>& diagnostics);

  [[nodiscard]] bool is_set(
      std::string_view key) const;  ///< given by file, environment or command line
  [[nodiscard]] std::string text(std::string_view key) const;  ///< also choice and secret
  [[nodiscard]] bool boolean(std::string_view key) const;
  [[nodiscard]] std::int64_t integer(std::string_view key) const;
  [[nodiscard]] double number(std::string_view key) const;  ///< also integer
  [[nodiscard]] std::int64_t duration_ns(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> text_list(std::string_view key) const;
  [[nodiscard]] std::vector<Subscription> topics(std::string_view key) const;
  /// What to write before the keys of each entry of a list section: {"mqtt"} when there is one,
  /// else {"mqtt[0]", "mqtt[1]", ...}.
  [[nodiscard]] std::vector<std::string> entries(std::string_view section) const;
  [[nodiscard]] Origin origin(std::string_view key) const;
  /// "file:line:column: key" of a setting, for error messages.
  [[nodiscard]] std::string where(std::string_view key) const;
  /// A mistake in this setting, for those who know more about it than its option says.
  [[nodiscard]] Diagnostic mistake(std::string_view key, std::string_view message,
                                   std::string hint = {}) const;
  /// One sentence for each section that was given and has no effect here: it is off, or belongs to
  /// another app. For the log, at info.
  [[nodiscard]] const std::vector<std::string>& inert_sections() const noexcept;
  /// Hash of everything that is set; secrets excluded.
  [[nodiscard]] std::uint64_t fingerprint() const;

  /// One setting as people may see it: secrets are "***".
  struct Shown {
    std::string key;
    OptionType type = OptionType::text;
    std::vector<std::string> values;  ///< one; any number for lists; topics are "QOS FILTER"
                                      ///< or "QOS,RETAINED FILTER"
    Origin origin;                    ///< file empty: the default
    bool set = false;
  };
  /// All settings in the order of the tables, defaults included.
  [[nodiscard]] std::vector<Shown> shown() const;
  /// The whole configuration as YAML; secrets masked as "***", or as the file they come from.
  [[nodiscard]] std::string dump() const;

  /// A setting that another configuration gives otherwise.
  struct Change {
    std::string key;  ///< "mqtt.topics", "mqtt[1].topics"
    bool reloadable = false;
  };
  /// What `next`, of the same tables, says otherwise; sorted by key. Settings without effect in
  /// both are left out.
  [[nodiscard]] std::vector<Change> changes_in(const Config& next) const;

  explicit Config(std::shared_ptr<const config::State> state) noexcept : state_(std::move(state)) {}

 private:
  std::shared_ptr<const config::State> state_;
};

/// Sections that no adapter owns: journal, dead_letters, storage.backend, schema, buffer, logging,
/// retention, and those of apps and features that do not exist yet (web, security, monitoring,
/// performance, devices, plugins, tenants), so that users' files load.
[[nodiscard]] OptionTable base_options() noexcept;

/// The reference page (Markdown) and the JSON Schema (draft-07) of these tables.
[[nodiscard]] std::string config_reference(std::span<const OptionTable> tables);
[[nodiscard]] std::string config_json_schema(std::span<const OptionTable> tables);

}  // namespace telemetry
