// SPDX-License-Identifier: Apache-2.0
//
// For tests/readers/duckdb_opinion.py: random rows as our export writes them, and random questions,
// each as SQL and with the store's answer.
//
//   TELEMETRY_FOLDER=DIR test_query_differential '[duckdb]'
//
// TELEMETRY_QUERIES and TELEMETRY_SEED change the run. In the SQL a field is a struct, null where
// it is not there: rank (number 1, boolean 2, time 3, text 4, object or array 5), n, t (ns), s.
#include <fmt/ranges.h>
#include <stdlib.h>

#include <fstream>

#include "query/random_questions.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

using Kind = Condition::Kind;

std::string quoted_sql(std::string_view text) {
  std::string sql = "'";
  for (const char c : text) sql.append(c == '\'' ? 2 : 1, c);
  return sql + "'";
}
std::string column(const std::string& field) { return '"' + field + '"'; }

class Sql {
 public:
  explicit Sql(const Selection& selection) : selection_(selection) {}

  [[nodiscard]] std::string where() const {
    std::vector<std::string> topics;
    for (const std::string& filter : selection_.topics) {
      topics.push_back(fmt::format("regexp_full_match(topic,{})", quoted_sql(pattern(filter))));
    }
    std::string sql = fmt::format("({})", fmt::join(topics, " OR "));
    const auto one_of = [&](const char* name, const std::vector<std::string>& list) {
      std::vector<std::string> texts;
      for (const std::string& item : list) texts.push_back(quoted_sql(item));
      if (!texts.empty()) sql += fmt::format(" AND {} IN ({})", name, fmt::join(texts, ","));
    };
    one_of("device", selection_.devices);
    one_of("schema", selection_.schemas);
    if (selection_.since) sql += fmt::format(" AND time>={}", *selection_.since);
    if (selection_.until) sql += fmt::format(" AND time<{}", *selection_.until);
    for (const Condition& one : selection_.where) sql += " AND " + condition(one);
    return sql;
  }

  [[nodiscard]] std::string bucket(const Bucket& bucket) const {
    if (bucket.kind == Bucket::Kind::none) return "0";
    const bool divides = bucket.width_ns > 0 && day % bucket.width_ns == 0;
    if (bucket.kind == Bucket::Kind::fixed && (selection_.zone.is_utc() || !divides)) {
      return fmt::format("time//{0}*{0}", bucket.width_ns);
    }
    const char* const part = bucket.kind == Bucket::Kind::week    ? "week"
                             : bucket.kind == Bucket::Kind::month ? "month"
                                                                  : "day";
    const std::string begin = fmt::format(
        "epoch_us(timezone({0},date_trunc('{1}',timezone({0},make_timestamptz(time//1000)))))*1000",
        quoted_sql(selection_.zone.name()), part);
    if (bucket.kind != Bucket::Kind::fixed) return begin;
    return fmt::format("{0}+(time-{0})//{1}*{1}", begin, bucket.width_ns);
  }

  /// What a measure is; then the largest value, where the answer is compared by it.
  [[nodiscard]] static std::vector<std::string> measure(const Measure& measure) {
    const std::string field = column(measure.field);
    const std::string largest = fmt::format("max(abs({}.n))", field);
    switch (measure.function) {
      case Function::count:
        return {measure.field.empty() ? "count(*)" : fmt::format("count({})", field)};
      case Function::avg:
        return {fmt::format("avg({}.n)", field), largest};
      case Function::sum:
        return {fmt::format("sum({}.n)", field), largest};
      case Function::stddev:
        return {fmt::format("stddev_samp({}.n)", field), largest};
      case Function::min:
        return {fmt::format("min({})", field)};
      case Function::max:
        return {fmt::format("max({})", field)};
      case Function::first:
        return {fmt::format("arg_min({},n)", field)};
      case Function::last:
        return {fmt::format("arg_max({},n)", field)};
      case Function::percentile:
        return {fmt::format("quantile_disc({}.n,{:.2f})", field, measure.rank / 100)};
    }
    return {};
  }

 private:
  /// An MQTT filter as a regular expression.
  static std::string pattern(std::string_view filter) {
    if (filter == "#") return "[^$].*";
    std::string text;
    for (const char c : filter) {
      if (c == '+') {
        text += text.empty() ? "([^$/][^/]*)?" : "[^/]*";
      } else if (c == '#') {
        text.pop_back();
        text += "(/.*)?";
      } else {
        text += c == '$' ? "\\$" : std::string(1, c);
      }
    }
    return text;
  }

  [[nodiscard]] std::string condition(const Condition& one) const {
    if (one.is_leaf()) return leaf(one);
    if (one.kind == Kind::negation) return "(NOT " + condition(one.operands.front()) + ")";
    std::vector<std::string> operands;
    for (const Condition& operand : one.operands) operands.push_back(condition(operand));
    return fmt::format("({})", fmt::join(operands, one.kind == Kind::all ? " AND " : " OR "));
  }

  /// A literal as a value of the type has it, or null.
  [[nodiscard]] std::string literal(const Literal& literal, core::FieldType type) const {
    switch (type) {
      case core::FieldType::number:
        return literal.number() ? quoted_sql(literal.text()) + "::DOUBLE" : "NULL::DOUBLE";
      case core::FieldType::boolean: {
        const auto boolean = boolean_of(literal);
        return !boolean ? "NULL::DOUBLE" : *boolean ? "1::DOUBLE" : "0::DOUBLE";
      }
      case core::FieldType::timestamp: {
        const auto time = parse_query_time(literal.text(), *selection_.now, selection_.zone);
        return time ? fmt::format("{}", *time) : "NULL::BIGINT";
      }
      default:
        return quoted_sql(literal.text());
    }
  }
  [[nodiscard]] static std::string compared(const Condition& leaf, const std::string& value,
                                            const std::vector<std::string>& literals) {
    static constexpr const char* operators[] = {"=", "<>", "<", "<=", ">", ">="};
    if (leaf.kind == Kind::in) {
      return fmt::format("({} IN ({}))", value, fmt::join(literals, ","));
    }
    return fmt::format("({} {} {})", value, operators[static_cast<int>(leaf.op)], literals.front());
  }
  /// Where the schema says what the field is.
  [[nodiscard]] std::string declared(const Condition& leaf, const std::string& value,
                                     core::FieldType type) const {
    if (leaf.kind == Kind::like) {
      if (type != core::FieldType::string) return "NULL";
      return fmt::format("({} LIKE {} ESCAPE '\\')", value,
                         quoted_sql(leaf.literals.front().text()));
    }
    std::vector<std::string> literals;
    for (const Literal& one : leaf.literals) literals.push_back(literal(one, type));
    return compared(leaf, value, literals);
  }
  /// Where only the JSON says it: bare literals are what they would be in JSON.
  [[nodiscard]] std::string undeclared(const Condition& leaf, const std::string& field) const {
    if (leaf.kind == Kind::like) {
      const std::string text = declared(leaf, field + ".s", core::FieldType::string);
      return fmt::format("(CASE {}.rank WHEN 4 THEN {} END)", field, text);
    }
    std::vector<std::string> numbers, booleans, texts;
    for (const Literal& one : leaf.literals) {
      const bool boolean = !one.quoted() && (one.text() == "true" || one.text() == "false");
      const bool number = !one.quoted() && one.number();
      numbers.push_back(number ? literal(one, core::FieldType::number) : "NULL::DOUBLE");
      booleans.push_back(boolean ? literal(one, core::FieldType::boolean) : "NULL::DOUBLE");
      texts.push_back(number || boolean ? "NULL::VARCHAR" : quoted_sql(one.text()));
    }
    return fmt::format("(CASE {0}.rank WHEN 1 THEN {1} WHEN 2 THEN {2} WHEN 4 THEN {3} END)", field,
                       compared(leaf, field + ".n", numbers),
                       compared(leaf, field + ".n", booleans), compared(leaf, field + ".s", texts));
  }

  [[nodiscard]] std::string leaf(const Condition& leaf) const {
    if (leaf.is_of_topic()) {
      if (leaf.kind == Kind::is_null) return "(" + leaf.field + " IS NULL)";
      return declared(leaf, leaf.field, core::FieldType::string);
    }
    const std::string field = column(leaf.field);
    if (leaf.kind == Kind::is_null) {
      const char* const bytes = leaf.field == "value" ? " AND NOT is_binary" : "";
      return fmt::format("({} IS NULL{})", field, bytes);
    }
    std::string sql = "(CASE";
    for (const auto& [schema, name, type] : types_) {
      if (name != leaf.field) continue;
      const char* const part = type == core::FieldType::timestamp ? ".t"
                               : type == core::FieldType::string  ? ".s"
                                                                  : ".n";
      sql += fmt::format(" WHEN schema='{}' THEN {}", schema, declared(leaf, field + part, type));
    }
    const std::string json = undeclared(leaf, field);
    return sql == "(CASE" ? json : sql + " ELSE " + json + " END)";
  }

  struct Type {
    std::string schema, field;
    core::FieldType type;
  };
  /// Of the schemas of random_rows.hpp; integers are numbers here.
  static inline const std::vector<Type> types_{{"air", "temperature", core::FieldType::number},
                                               {"air", "humidity", core::FieldType::number},
                                               {"air", "status", core::FieldType::string},
                                               {"air", "on", core::FieldType::boolean},
                                               {"air", "count", core::FieldType::number},
                                               {"air", "seen", core::FieldType::timestamp},
                                               {"air", "place.lat", core::FieldType::number},
                                               {"air", "place.hall", core::FieldType::string},
                                               {"meter", "temperature", core::FieldType::number},
                                               {"meter", "status", core::FieldType::number},
                                               {"meter", "power", core::FieldType::number},
                                               {"meter", "name", core::FieldType::string}};
  const Selection& selection_;
};

/// [rank, value], or null.
std::string cell(const core::Value& value) {
  const int kind = rank(value);
  std::string json;
  if (kind == 0) return "null";
  if (kind >= 4) {
    append_json_string(value.as_text(), json);
  } else if (kind == 1) {
    append_json_value(value, json);
  } else {
    json = fmt::format("{}", value.as_integer());
  }
  return fmt::format("[{},{}]", kind, json);
}

class Questions : public RandomQuestions {
 public:
  Questions(std::uint64_t seed, const std::string& folder)
      : RandomQuestions(seed, false), questions_(folder + "/questions.jsonl") {
    std::ofstream exported(folder + "/rows.jsonl"), keys(folder + "/keys.csv");
    const auto writer = RowWriter::make(RowFormat::jsonl, {}, [&](std::string_view text) {
      exported << text;
      return exported.good();
    });
    require(f.store->query({}, [&](const Row& row) { return writer->write(row); }));
    REQUIRE(writer->finish());
    keys << "id,time,device,schema,is_binary\n";  // what the export does not say
    for (const auto& held : rows) {
      keys << fmt::format("{},{},{},{},{}\n", held->row.id, held->row.time, held->row.device,
                          held->row.schema, held->row.raw_kind == Row::RawKind::binary);
    }
    REQUIRE(keys.good());
  }

  /// False when the store says that the question is wrong.
  bool ask_rows() {
    const Query query = some_query();
    const bool newest = query.order == Order::time_descending;
    Ids ids;
    const auto done = f.store->query(query, [&](const Row& row) {
      ids.push_back(row.id);
      return true;
    });
    if (!done) return refused(done.error());
    write("rows", query,
          fmt::format("SELECT id FROM rows WHERE {} ORDER BY n{}{}", Sql(query).where(),
                      newest ? " DESC" : "", limit(query.limit)),
          fmt::format("\"ids\":[{}]", fmt::join(ids, ",")));
    return true;
  }
  bool ask_latest() {
    const Latest latest = some_latest();
    Ids ids;
    const auto done = f.store->latest(latest, [&](const Row& row) {
      ids.push_back(row.id);
      return true;
    });
    if (!done) return refused(done.error());
    write("latest", latest,
          fmt::format("SELECT id FROM rows WHERE n IN (SELECT max(n) FROM rows GROUP BY topic)"
                      " AND {} ORDER BY topic",
                      Sql(latest).where()),
          fmt::format("\"ids\":[{}]", fmt::join(ids, ",")));
    return true;
  }
  bool ask_aggregate() {
    std::set<std::string> used;
    const Aggregate aggregate = some_aggregate(used);
    std::vector<std::string> answer;
    const auto done = f.store->aggregate(aggregate, [&](const AggregateRow& row) {
      std::vector<std::string> cells{fmt::format("[3,{}]", row.time.value_or(0))};
      for (const core::Value& value : row.by) cells.push_back(cell(value));
      for (const core::Value& value : row.values) cells.push_back(cell(value));
      answer.push_back(fmt::format("[{}]", fmt::join(cells, ",")));
      return true;
    });
    if (!done) return refused(done.error());
    const Sql sql(aggregate);
    std::vector<std::string> columns{sql.bucket(aggregate.bucket)}, names, keys{"1"};
    std::string order = aggregate.order == Order::time_descending ? "1 DESC" : "1";
    for (const std::string& name : aggregate.by) {
      columns.push_back(column(name));
      keys.push_back(fmt::format("{}", columns.size()));
      order += "," + keys.back() + " NULLS FIRST";
    }
    for (const Measure& measure : aggregate.measures) {
      for (std::string& one : Sql::measure(measure)) columns.push_back(std::move(one));
      names.push_back("\"" + measure.name() + "\"");
    }
    const bool grouped = !aggregate.by.empty() || aggregate.bucket.kind != Bucket::Kind::none;
    write("aggregate", aggregate,
          fmt::format(
              "SELECT {} FROM rows WHERE {}{}{}", fmt::join(columns, ","), sql.where(),
              grouped ? fmt::format(" GROUP BY {} ORDER BY {}", fmt::join(keys, ","), order) : "",
              limit(aggregate.limit)),
          fmt::format("\"by\":{},\"measures\":[{}],\"answer\":[{}]", aggregate.by.size(),
                      fmt::join(names, ","), fmt::join(answer, ",")));
    return true;
  }

 private:
  /// The store may say so of a question, which is then none for DuckDB: false.
  static bool refused(const Error& error) {
    INFO(error.context);
    REQUIRE(error.code == Errc::invalid_argument);
    return false;
  }
  static std::string limit(std::uint64_t rows) {
    return rows == 0 ? "" : fmt::format(" LIMIT {}", rows);
  }
  void write(const char* kind, const Selection& selection, const std::string& sql,
             const std::string& answer) {
    std::string asked, text;
    append_json_string(sql, text);
    append_json_string(say(selection), asked);
    questions_ << fmt::format("{{\"kind\":\"{}\",\"asked\":{},\"sql\":{},{}}}\n", kind, asked, text,
                              answer);
    REQUIRE(questions_.good());
  }

  std::ofstream questions_;
};

}  // namespace

TEST_CASE("questions for DuckDB are written", "[.duckdb]") {
  const char* const folder = getenv("TELEMETRY_FOLDER");
  REQUIRE(folder != nullptr);
  Questions questions(setting("TELEMETRY_SEED", 20261130), folder);
  const std::uint64_t queries = setting("TELEMETRY_QUERIES", 300);
  std::uint64_t asked = 0, refused = 0;
  while (asked < queries) {
    const std::int64_t kind = questions.choice.below(5);
    const bool right = kind == 0   ? questions.ask_latest()
                       : kind <= 2 ? questions.ask_rows()
                                   : questions.ask_aggregate();
    ++(right ? asked : refused);
    REQUIRE(refused <= queries + 100);
  }
}
