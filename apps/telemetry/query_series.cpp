// SPDX-License-Identifier: Apache-2.0
#include "query_series.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "output.hpp"
#include "selection.hpp"
#include "telemetry/api.hpp"

namespace telemetry::command_line {
namespace {

class SeriesWriter {
 public:
  SeriesWriter(RowFormat format, const TimeZone& zone, Output& output)
      : format_(format), zone_(zone), output_(output) {}

  bool write(const SeriesLine& line) {
    if (format_ == RowFormat::table_per_schema) return write_table(line);
    text_.clear();
    if (format_ == RowFormat::csv && !began_)
      text_ = "time,topic,device,schema,field,unit,value\r\n";
    for (const SeriesPoint& point : line.points) {
      if (format_ == RowFormat::csv) {
        append_line(line, point);
        continue;
      }
      if (format_ == RowFormat::json) text_ += began_ ? ",\n" : "[\n";
      append_object(line, point);
      if (format_ == RowFormat::jsonl) text_ += '\n';
      began_ = true;
    }
    began_ = true;
    return output_.write(text_);
  }
  bool finish() {
    if (format_ != RowFormat::json) return true;
    return output_.write(began_ ? "\n]\n" : "[]\n");
  }

 private:
  void append_time(std::int64_t ns) { append_json_time(ns, text_, zone_); }
  void append_object(const SeriesLine& line, const SeriesPoint& point) {
    text_ += "{\"time\":";
    append_time(point.time);
    const auto member = [&](std::string_view name, std::string_view value) {
      text_ += fmt::format(",\"{}\":", name);
      if (value.empty())
        text_ += "null";
      else
        append_json_string(value, text_);
    };
    member("topic", line.topic);
    member("device", line.device);
    member("schema", line.schema);
    member("field", line.field);
    member("unit", line.unit);
    text_ += ",\"value\":";
    append_json_value(point.value.value(), text_);
    text_ += '}';
  }
  void append_line(const SeriesLine& line, const SeriesPoint& point) {
    append_plain_time(point.time);
    for (const std::string_view cell :
         {line.topic, line.device, line.schema, line.field, line.unit}) {
      text_ += ',';
      const std::size_t begin = text_.size();
      text_ += cell;
      quote_csv(begin, text_);
    }
    text_ += ',';
    append_json_value(point.value.value(), text_);
    text_ += "\r\n";
  }
  void append_plain_time(std::int64_t ns) {
    const std::size_t begin = text_.size();
    append_time(ns);
    text_.pop_back();
    text_.erase(begin, 1);
  }
  bool write_table(const SeriesLine& line) {
    constexpr std::size_t time_columns = 35;  // with nanoseconds and an offset
    text_ = began_ ? "\n" : "";
    began_ = true;
    text_ += fmt::format("{}  {}", printable(line.topic), printable(line.field));
    if (!line.unit.empty()) text_ += fmt::format(" ({})", printable(line.unit));
    text_ += fmt::format(": {} of {} rows\n", line.points.size(), line.rows);
    for (const SeriesPoint& point : line.points) {
      const std::size_t begin = text_.size();
      append_plain_time(point.time);
      text_.append(time_columns + 2 - std::min(time_columns, text_.size() - begin), ' ');
      append_json_value(point.value.value(), text_);
      text_ += '\n';
    }
    return output_.write(text_);
  }

  const RowFormat format_;
  const TimeZone& zone_;
  Output& output_;
  std::string text_;
  bool began_ = false;
};

}  // namespace

int print_series(const Settings& settings, const Series& series, RowFormat format) {
  Result<Api> api = open_api(settings);
  if (!api) return fail(api.error());
  Output output;
  std::uint64_t count = 0;
  SeriesWriter writer(format, series.zone, output);
  const auto end = api->series(Principal::local(), series, [&](const SeriesLine& line) {
    ++count;
    return writer.write(line);
  });
  if (!end && count == 0) return fail(end.error());
  (void)writer.finish();
  if (!end) return output.finish(fail(end.error()));
  if (count == 0) say("nothing stored matches, or nothing of it is a number");
  if (end->more) {
    say(
        fmt::format("there are more than these {} series: name topics or --fields, or take a "
                    "--limit of up to {}",
                    count, Series::limit_max));
  }
  return output.finish(0);
}

}  // namespace telemetry::command_line
