// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "condition.hpp"
#include "readers.hpp"

namespace telemetry::sqlite {

/// What a selection means for a file as it is: which topics and partitions, and the conditions as
/// SQL. Throws SQLite::Exception.
class Plan {
 public:
  enum class Topics : std::uint8_t { all, chosen, one, none };
  /// A partition that may have rows of the selection.
  struct Part {
    const Partition* partition = nullptr;
    std::string condition;  ///< " AND ..." over alias p, with parameters from first_parameter on
    std::vector<Parameter> parameters;
    bool asks_topic = false;  ///< it needs alias q
  };

  /// @param selection is looked at as long as this lives
  Plan(Reader& reader, const Selection& selection)
      : reader_(reader), database_(reader.database()), selection_(selection) {}

  /// In one snapshot. @param fields are names that the rows should know.
  [[nodiscard]] Result<void> prepare(std::span<const std::string> fields);

  [[nodiscard]] const Selection& selection() const noexcept { return selection_; }
  [[nodiscard]] const std::shared_ptr<const Catalogue>& catalogue() const noexcept {
    return catalogue_;
  }
  [[nodiscard]] const std::vector<Part>& parts() const noexcept { return parts_; }
  [[nodiscard]] Topics topics() const noexcept { return topics_; }
  [[nodiscard]] std::size_t topic_count() const noexcept { return topic_count_; }
  [[nodiscard]] std::int64_t topic_id() const noexcept { return topic_id_; }  ///< Topics::one
  /// The table of the topics; of one topic, it is that with topic_id().
  [[nodiscard]] const char* topics_table() const noexcept {
    return topics_ == Topics::chosen ? "temp.chosen" : "topics";
  }
  [[nodiscard]] std::int64_t last_id() const noexcept { return last_id_; }
  /// Both inclusive, and within what is stored.
  [[nodiscard]] std::int64_t since() const noexcept { return since_; }
  [[nodiscard]] std::int64_t until() const noexcept { return until_; }
  /// False when no row of the partition is of the chosen topics, whatever its time. Always true
  /// where it would take long to know.
  [[nodiscard]] bool may_have_rows(const Partition& partition) const;
  /// True when most rows of a stretch of time are wanted, so that unordered_sql() reads tables as
  /// they lie.
  [[nodiscard]] bool reads_whole() const noexcept;
  /// What stands between FROM and the conditions, for rows in order of time: they are p, and
  /// where `asks_topic` their topics q. ?1 and ?2 are the times, both inclusive, ?6 is the topic
  /// when there is one.
  [[nodiscard]] std::string rows_sql(const Partition& partition, bool asks_topic) const;
  /// The same for the rows of one topic, ?6, whatever the selection's are.
  [[nodiscard]] std::string topic_sql(const Partition& partition, bool asks_topic) const;
  /// The same for rows in any order; alias q is there only when the part asks for topics.
  /// @param window ?1 and ?2 are less than the selection's times
  [[nodiscard]] std::string unordered_sql(const Part& part, bool window) const;
  /// True when the blocks of a partition hardly overlap in time: few rows are read in vain.
  [[nodiscard]] bool is_in_order(const Partition& partition) const;
  /// Of the schemas that are asked for, and not one that is hidden.
  [[nodiscard]] bool is_known(const Layout& layout) const;

 private:
  [[nodiscard]] Result<void> check_names(std::span<const std::string> fields) const;
  [[nodiscard]] Result<void> check_field(std::string_view field,
                                         const std::vector<std::string_view>& paths) const;
  [[nodiscard]] Result<void> check_condition(const Condition& condition,
                                             const std::vector<std::string_view>& paths) const;
  [[nodiscard]] Result<void> check_leaf(const Condition& leaf,
                                        const std::vector<std::string_view>& paths) const;
  [[nodiscard]] bool is_of_schema(const Layout& layout) const;
  [[nodiscard]] bool reads_raw() const;
  void choose_topics();
  void choose_named(const std::string& topic);
  void find_schemas();
  void add_part(const Partition& partition);

  Reader& reader_;
  SQLite::Database& database_;
  const Selection& selection_;
  std::shared_ptr<const Catalogue> catalogue_;
  std::vector<Part> parts_;
  Topics topics_ = Topics::all;
  std::int64_t topic_id_ = 0;
  std::size_t topic_count_ = 0;
  std::int64_t last_id_ = 0;
  std::int64_t since_ = INT64_MIN, until_ = INT64_MAX;
  std::set<std::string> schemas_;  // of the chosen topics, where others are hidden; empty = none
};

/// Topics by their numbers, as they are asked for.
class TopicNames {
 public:
  struct Name {
    std::string topic, device;
  };
  explicit TopicNames(Reader& reader) noexcept : reader_(reader) {}
  [[nodiscard]] const Name& of(std::int64_t id);
  /// Forgets names if there are many. Views into them end.
  void trim() {
    if (names_.size() > kept_max) names_.clear();
  }

 private:
  static constexpr std::size_t kept_max = 50'000;
  Reader& reader_;
  std::unordered_map<std::int64_t, Name> names_;
};

/// The topics of a selection, by filters, devices and conditions of topics alone.
struct ChosenTopics {
  bool all = false;       ///< all in the file, and none were looked at; else temp.chosen has them
  std::size_t count = 0;  ///< unless all
  std::int64_t last_id = 0;  ///< of one of them
};
[[nodiscard]] ChosenTopics choose_topics(SQLite::Database& database, const Selection& selection);

/// The first topic that a filter may match and the first one behind, in the order of bytes; both
/// empty when it begins with a wildcard. `a/#` matches `a`, too: its range is that of `a`.
struct TopicRange {
  std::string begin, end;
};
[[nodiscard]] TopicRange range_of(std::string_view filter);

}  // namespace telemetry::sqlite
