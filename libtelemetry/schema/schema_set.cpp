// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "schema/compiled.hpp"
#include "schema/filter_trie.hpp"
#include "telemetry/environment.hpp"

namespace telemetry {
namespace {

using schemas::compiled;
using schemas::title;
using SchemaPtr = std::shared_ptr<const Schema>;

constexpr std::size_t schemas_max = 100'000;

class CompiledSet final : public SchemaSet {
 public:
  explicit CompiledSet(std::vector<SchemaPtr> schemas) : schemas_(std::move(schemas)) {
    for (const SchemaPtr& schema : schemas_) {
      trie_.insert(*schema);
      by_id_.emplace(schema->id(), schema.get());
    }
  }

  const Schema* choose(std::string_view topic) const noexcept override {
    return trie_.choose(topic);
  }
  std::vector<const Schema*> matching(std::string_view topic) const override {
    return trie_.matching(topic);
  }
  std::vector<const Schema*> candidates(std::string_view topic) const override {
    std::vector<const Schema*> out;
    for (const Schema* schema : trie_.matching(topic)) {
      const bool older = std::ranges::any_of(
          out, [&](const Schema* other) { return other->name() == schema->name(); });
      if (older) continue;
      out.push_back(schema);
      if (!schema->is_conditional()) break;
    }
    return out;
  }
  const Schema* by_id(std::uint64_t id) const noexcept override {
    const auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }
  std::span<const SchemaPtr> all() const noexcept override { return schemas_; }

 private:
  std::vector<SchemaPtr> schemas_;
  schemas::FilterTrie trie_;
  std::unordered_map<std::uint64_t, const Schema*> by_id_;
};

void mistake(std::vector<Diagnostic>& diagnostics, const Schema& schema, schemas::Position at,
             std::string message, std::string hint) {
  diagnostics.push_back({schema.file(), at.line, at.column, std::move(message), std::move(hint)});
}

std::string place(const Schema& schema) {
  return schema.file().empty() ? title(schema) : schema.file();
}

/// `sorted`: by name, then version.
void check_versions(const std::vector<SchemaPtr>& sorted, std::vector<Diagnostic>& diagnostics) {
  for (std::size_t i = 1; i < sorted.size(); ++i) {
    const Schema& previous = *sorted[i - 1];
    const Schema& next = *sorted[i];
    if (previous.name() != next.name()) continue;
    const schemas::Position at = compiled(next).specification().version_at;
    if (previous.version() == next.version()) {
      const bool same = previous.id() == next.id();
      mistake(diagnostics, next, at,
              fmt::format("{} is also defined in {}{}", title(next), place(previous),
                          same ? "" : ", with other content"),
              same ? "remove one of the two files" : "give the newer one a higher version");
    } else if (previous.version().major == next.version().major) {
      for (const std::string& reason : incompatibilities(previous, next)) {
        mistake(diagnostics, next, at,
                fmt::format("{} cannot follow {} ({}): {}", title(next), title(previous),
                            place(previous), reason),
                fmt::format("undo it, or make this version \"{}.0\"", next.version().major + 1));
      }
    }
  }
}

/// What chooses it: two schemas of different names may not have the same.
std::string choice_of(const Schema& schema) {
  const schemas::SchemaSpec& spec = compiled(schema).specification();
  std::string out = spec.pattern.shape();
  if (spec.when != nullptr) append_condition(*spec.when, out += " when ");
  return out;
}

void check_filters(const std::vector<SchemaPtr>& sorted, std::vector<Diagnostic>& diagnostics) {
  std::map<std::string, const Schema*> owners;
  for (const SchemaPtr& schema : sorted) {
    const auto [first, is_new] = owners.emplace(choice_of(*schema), schema.get());
    if (is_new || first->second->name() == schema->name()) continue;
    const bool conditional = schema->is_conditional();
    mistake(diagnostics, *schema, compiled(*schema).specification().topic_at,
            fmt::format("schemas {} and {} ({}) have the same {} {}", title(*schema),
                        title(*first->second), place(*first->second),
                        conditional ? "filter and condition:" : "filter", first->first),
            conditional ? "make one of the conditions another" : "make one of them more specific");
  }
}

// The mistakes themselves are in the diagnostics.
Error summary(std::span<const Diagnostic> found, const std::string& path) {
  const auto errors = std::count_if(found.begin(), found.end(), [](const Diagnostic& d) {
    return d.severity == Diagnostic::Severity::error;
  });
  return {Errc::invalid_argument,
          fmt::format("{}: {} mistake{}", path.empty() ? "the schemas" : path, errors,
                      errors == 1 ? "" : "s")};
}

bool is_schema_file(std::string_view name) {
  return !name.starts_with('.') &&
         (name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json"));
}

Result<std::string> read_file(FileSystem& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) return file.error();
  Result<std::string> result = std::string();
  if (auto size = files.size(*file); !size) {
    result = size.error();
  } else {
    // One byte more than the limit is enough for the reader to refuse it.
    std::string text(std::min<std::size_t>(*size, schemas::Tree::bytes_max + 1), '\0');
    auto bytes = files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (bytes) {
      text.resize(*bytes);
      result = std::move(text);
    } else {
      result = bytes.error();
    }
  }
  files.close(*file);
  return result;
}

}  // namespace

Result<std::shared_ptr<const SchemaSet>> SchemaSet::make(std::vector<SchemaPtr> schemas,
                                                         std::vector<Diagnostic>& diagnostics) {
  std::stable_sort(schemas.begin(), schemas.end(), [](const SchemaPtr& a, const SchemaPtr& b) {
    return a->name() != b->name() ? a->name() < b->name() : a->version() < b->version();
  });
  const std::size_t before = diagnostics.size();
  check_versions(schemas, diagnostics);
  check_filters(schemas, diagnostics);
  const std::span<const Diagnostic> found = std::span(diagnostics).subspan(before);
  if (has_errors(found)) return summary(found, {});
  return std::shared_ptr<const SchemaSet>(std::make_shared<CompiledSet>(std::move(schemas)));
}

const Schema* SchemaSet::choose(const UnfoldInput& input) const {
  for (const Schema* schema : candidates(input.topic)) {
    if (schema->takes(input)) return schema;
  }
  return nullptr;
}

Result<void> check_succession(const SchemaSet& previous, const SchemaSet& next,
                              std::vector<Diagnostic>& diagnostics) {
  const std::size_t before = diagnostics.size();
  for (const SchemaPtr& schema : next.all()) {
    const schemas::Position at = compiled(*schema).specification().version_at;
    // Only the neighbours count: that all versions in force fit each other was checked before.
    const Schema* below = nullptr;
    const Schema* above = nullptr;
    bool known = false;
    for (const SchemaPtr& other : previous.all()) {
      if (other->name() != schema->name() || other->version().major != schema->version().major) {
        continue;
      }
      if (other->version() == schema->version()) {
        known = true;
        if (other->id() != schema->id()) {
          mistake(diagnostics, *schema, at,
                  fmt::format("{} is in force with other content", title(*schema)),
                  "give it a higher version");
        }
      } else if (other->version() < schema->version()) {
        if (below == nullptr || below->version() < other->version()) below = other.get();
      } else if (above == nullptr || other->version() < above->version()) {
        above = other.get();
      }
    }
    if (known) continue;
    const auto refuse = [&](const Schema& in_force, std::string_view where,
                            const std::vector<std::string>& reasons) {
      for (const std::string& reason : reasons) {
        mistake(diagnostics, *schema, at,
                fmt::format("{} cannot {} {}, which is in force: {}", title(*schema), where,
                            title(in_force), reason),
                fmt::format("undo it, or make this version \"{}.0\"", schema->version().major + 1));
      }
    };
    if (below != nullptr) refuse(*below, "follow", incompatibilities(*below, *schema));
    if (above != nullptr) refuse(*above, "come before", incompatibilities(*schema, *above));
  }
  const std::span<const Diagnostic> found = std::span(diagnostics).subspan(before);
  if (has_errors(found)) return summary(found, {});
  return {};
}

Result<std::shared_ptr<const SchemaSet>> SchemaSet::load(const std::string& path,
                                                         std::vector<Diagnostic>& diagnostics,
                                                         const ValidationFunctions& functions) {
  FileSystem& files = system_environment().files;
  std::vector<std::string> paths;
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  if (!std::filesystem::exists(status)) {
    return Error{Errc::not_found, fmt::format("{}: no such schema file or folder; create it, or "
                                              "set schema.path to where the schemas are",
                                              path)};
  }
  if (std::filesystem::is_directory(status)) {
    auto names = files.list(path);
    if (!names) return names.error();
    for (const std::string& name : *names) {
      if (is_schema_file(name)) paths.push_back((std::filesystem::path(path) / name).string());
    }
    if (paths.size() > schemas_max) {
      return Error{Errc::resource_exhausted, fmt::format("{}: {} schema files; the limit is {}",
                                                         path, paths.size(), schemas_max)};
    }
  } else {
    paths.push_back(path);
  }
  const std::size_t before = diagnostics.size();
  std::vector<SchemaPtr> schemas;
  for (const std::string& file : paths) {
    auto text = read_file(files, file);
    if (!text) {
      diagnostics.push_back({file, 1, 1, text.error().context, "make it readable, or remove it"});
    } else if (SchemaPtr schema = schemas::compile(*text, file, diagnostics, functions)) {
      schemas.push_back(std::move(schema));
    }
  }
  // The good files are checked against each other too: all mistakes in one go.
  auto set = make(std::move(schemas), diagnostics);
  const std::span<const Diagnostic> found = std::span(diagnostics).subspan(before);
  if (has_errors(found)) return summary(found, path);
  return set;
}

}  // namespace telemetry
