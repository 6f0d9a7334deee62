// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.hpp"
#include "config/state.hpp"
#include "config/url.hpp"
#include "config/variables.hpp"

namespace telemetry::config {

/// Where a value comes from; the later, the stronger.
enum class Strength : std::uint8_t {
  implied,  ///< follows from another setting (the port of a scheme)
  file,
  short_name,   ///< MQTT_BROKER
  environment,  ///< TELEMETRY_MQTT__BROKER
  command_line,
};

/// Collects what all sources say, checks it, and lets the strongest win.
class Loader {
 public:
  Loader(const Config::Sources& sources, std::span<const OptionTable> tables,
         std::vector<Diagnostic>& diagnostics);
  [[nodiscard]] Result<Config> run();

 private:
  /// One source's word on one key.
  struct Candidate {
    std::string key;  ///< canonical, with index
    const Option* option = nullptr;
    Strength strength = Strength::file;
    Origin origin;
    Written written;
    std::vector<std::string> values;  ///< when good
    bool good = false;
    bool inert = false;
    std::vector<Diagnostic> unresolved;  ///< variables that are not set: matter if this one wins
    std::string from_file;
  };

  void index_tables();
  Result<std::string> read_file(const std::string& path) const;

  void walk(const Written& map, const std::string& table_prefix, const std::string& key_prefix);
  void walk_member(const Written& name, const Written& value, const std::string& table_key,
                   const std::string& key);
  void walk_list_section(const Written& list, const OptionTable& table);
  [[nodiscard]] const OptionTable* list_table(std::string_view section) const;
  void complain_unknown(const Origin& origin, const std::string& table_key, std::string_view shown);
  void read_short_names();
  void read_environment();
  void read_command_line();
  void read_text(const std::string& key, const std::string& text, Strength strength, Origin origin);
  void add(const std::string& key, const Option& option, const Written& written, Strength strength,
           Origin origin);

  void check(Candidate& candidate);
  bool expand(Candidate& candidate, Written& scalar);
  void split_urls();
  void split_urls_of(const OptionTable& table);
  void split_database_url(const std::string& text, const Origin& origin);
  void read_secret_files();
  void choose_winners();
  void find_inert();
  [[nodiscard]] std::string inert_reason(const std::string& key, const Option& option,
                                         std::string& section) const;
  [[nodiscard]] bool is_later_store(std::string_view table_key) const;
  [[nodiscard]] bool is_off(std::string_view key) const;
  void refuse_unbuilt();
  void look_at_private_files();
  void warn_if_open(const Candidate& names, const std::string& path);

  void complain(const Origin& origin, std::string message, std::string hint,
                Diagnostic::Severity severity = Diagnostic::Severity::error);
  void sort_diagnostics(std::size_t from);
  [[nodiscard]] const std::vector<std::string>& value_of(std::string_view key) const;

  const Config::Sources& sources_;
  const std::span<const OptionTable> tables_;
  std::vector<Diagnostic>& diagnostics_;
  Lookup lookup_;
  std::string file_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::set<std::string, std::less<>> sections_;  ///< every "a" and "a.b" that options live under
  std::vector<std::pair<std::string, Origin>> unknown_stores_;
  std::vector<Candidate> candidates_;
  std::map<std::string, std::size_t, std::less<>> winners_;  ///< key -> candidate
};

}  // namespace telemetry::config
