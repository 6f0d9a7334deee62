// SPDX-License-Identifier: Apache-2.0
//
// Rows as columns. A batch owns its buffers, aligned to 64 bytes, until its consumer releases it;
// the stream may be gone by then. Consumers differ in what they forgive: offsets are there also for
// no rows, a bitmap only where something is null, null counts are exact.
#include "telemetry/arrow.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>
#include <set>
#include <vector>

#include "telemetry/export.hpp"
#include "telemetry/message.hpp"

namespace telemetry {
namespace arrow {
namespace {

using core::FieldType;
using core::ValueKind;

template <class T>
struct Aligned {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};
  Aligned() = default;
  template <class U>
  explicit Aligned(const Aligned<U>&) noexcept {}
  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), alignment));
  }
  void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, alignment); }
  bool operator==(const Aligned&) const noexcept { return true; }
};
template <class T>
using Buffer = std::vector<T, Aligned<T>>;

enum class Source : std::uint8_t {
  id,
  topic,
  device,
  time,
  received_at,
  retained,
  field,
  extra,
  payload
};

struct Column {
  std::string name;
  std::string path;  // of a field
  FieldType type = FieldType::any;
  Source source = Source::field;

  [[nodiscard]] const char* format() const noexcept {
    switch (type) {
      case FieldType::number:
        return "g";
      case FieldType::integer:
        return "l";
      case FieldType::boolean:
        return "b";
      case FieldType::timestamp:
        return "tsn:UTC";
      default:
        return "u";
    }
  }
  [[nodiscard]] bool nullable() const noexcept {
    return source == Source::device || source >= Source::field;
  }
};

/// The values of a column in a batch.
struct Values {
  Buffer<std::uint8_t> valid, bits, bytes;
  Buffer<std::int64_t> integers;
  Buffer<double> reals;
  Buffer<std::int32_t> offsets;
  std::int64_t rows = 0, nulls = 0;
  std::array<const void*, 3> buffers{};

  void set(Buffer<std::uint8_t>& bitmap, bool value) const {
    const auto row = static_cast<std::size_t>(rows);
    if (row % 8 == 0) bitmap.push_back(0);
    if (value) bitmap[row / 8] = static_cast<std::uint8_t>(bitmap[row / 8] | 1u << row % 8);
  }
};

struct Batch {
  std::vector<Values> values;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
  std::array<const void*, 1> no_buffers{};
};

void release_child(ArrowArray* array) { array->release = nullptr; }
void release_batch(ArrowArray* array) {
  delete static_cast<Batch*>(array->private_data);
  array->release = nullptr;
}

struct SchemaMemory {
  std::vector<std::string> names;
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};
void release_schema_child(ArrowSchema* schema) { schema->release = nullptr; }
void release_schema(ArrowSchema* schema) {
  delete static_cast<SchemaMemory*>(schema->private_data);
  schema->release = nullptr;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return text;
}

class Stream {
 public:
  Stream(std::shared_ptr<Store> store, Query query, Shape shape)
      : store_(std::move(store)), query_(std::move(query)) {
    add("id", FieldType::integer, Source::id);
    add("topic", FieldType::string, Source::topic);
    add("device", FieldType::string, Source::device);
    add("time", FieldType::timestamp, Source::time);
    add("received_at", FieldType::timestamp, Source::received_at);
    add("retained", FieldType::boolean, Source::retained);
    add_fields(shape);
  }

  void fill_schema(ArrowSchema* out) const;
  /// An errno code; `out` is released at the end.
  int fill_batch(ArrowArray* out);
  [[nodiscard]] const char* error() const noexcept {
    return error_.empty() ? "no error" : error_.c_str();
  }
  int fail(const Error& error) {
    error_ = describe(error);
    return error.code == Errc::invalid_argument ? EINVAL : EIO;
  }
  int fail(const std::exception& exception, int code) {
    error_ = exception.what();
    return code;
  }

 private:
  void add(std::string name, FieldType type, Source source, std::string path = {}) {
    while (!taken_.insert(lower(name)).second) name += '_';
    columns_.push_back({std::move(name), std::move(path), type, source});
  }
  void add_fields(const Shape& shape);
  void append(const Row& row, Batch& batch);
  void append_value(const Column& column, Values& values, const core::Value& value);
  void append_text(Values& values, std::string_view text);
  void append_null(const Column& column, Values& values);
  void append_field(std::size_t column, const Row& row, std::size_t& guess, Values& values);
  static void finish(const Column& column, Values& values, ArrowArray& array);

  std::shared_ptr<Store> store_;
  Query query_;
  std::vector<Column> columns_;
  std::set<std::string> taken_;
  std::unique_ptr<RowStream> rows_;
  std::string error_;
  std::string text_;  // of a JSON value
  std::optional<Error> misfit_;
};

void Stream::add_fields(const Shape& shape) {
  const auto& wishes = query_.fields;
  const auto add_field = [&](const Shape::Field& field) {
    add(field.path, field.type, Source::field, field.path);
  };
  if (wishes.empty()) {
    std::ranges::for_each(shape.fields, add_field);
    if (shape.extra) add("extra", FieldType::string, Source::extra);
    if (shape.payload) add("payload", FieldType::string, Source::payload);
    return;
  }
  for (const std::string& wish : wishes) {
    bool known = false;
    for (const Shape::Field& field : shape.fields) {
      if (!is_field_or_member(field.path, wish)) continue;
      known = true;
      add_field(field);
    }
    if (known) continue;
    if (wish == "extra") {
      add("extra", FieldType::string, Source::extra);
    } else if (wish == "payload") {
      add("payload", FieldType::string, Source::payload);
    } else if (wish != "topic" && wish != "device" && wish != "timestamp" &&
               wish != "received_at" && wish != "retained" && wish != "schema") {
      add(wish, FieldType::any, Source::field, wish);  // of payloads without schema
    }
  }
}

void Stream::fill_schema(ArrowSchema* out) const {
  auto memory = std::make_unique<SchemaMemory>();
  for (const Column& column : columns_) memory->names.push_back(column.name);
  memory->children.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    memory->children[i] = {columns_[i].format(),
                           memory->names[i].c_str(),
                           nullptr,
                           columns_[i].nullable() ? ARROW_FLAG_NULLABLE : 0,
                           0,
                           nullptr,
                           nullptr,
                           release_schema_child,
                           nullptr};
    memory->pointers.push_back(&memory->children[i]);
  }
  *out = {"+s",
          "",
          nullptr,
          0,
          static_cast<std::int64_t>(columns_.size()),
          memory->pointers.data(),
          nullptr,
          release_schema,
          memory.get()};
  (void)memory.release();  // NOLINT: release_schema() deletes it
}

void Stream::append_text(Values& values, std::string_view text) {
  if (values.bytes.size() + text.size() > INT32_MAX) {
    misfit_ = Error{Errc::invalid_argument, "more than 2 GiB of text in a batch"};
    text = {};
  }
  values.set(values.valid, true);
  values.bytes.insert(values.bytes.end(), text.begin(), text.end());
  values.offsets.push_back(static_cast<std::int32_t>(values.bytes.size()));
  ++values.rows;
}

void Stream::append_null(const Column& column, Values& values) {
  values.set(values.valid, false);
  ++values.nulls;
  switch (column.type) {
    case FieldType::number:
      values.reals.push_back(0);
      break;
    case FieldType::integer:
    case FieldType::timestamp:
      values.integers.push_back(0);
      break;
    case FieldType::boolean:
      values.set(values.bits, false);
      break;
    default:
      values.offsets.push_back(static_cast<std::int32_t>(values.bytes.size()));
  }
  ++values.rows;
}

void Stream::append_value(const Column& column, Values& values, const core::Value& value) {
  if (value.is_null()) return append_null(column, values);
  switch (column.type) {
    case FieldType::number:
      values.reals.push_back(Number::of(value).real());
      break;
    case FieldType::integer:
    case FieldType::timestamp:
      values.integers.push_back(value.as_integer());
      break;
    case FieldType::boolean:
      values.set(values.bits, value.as_integer() != 0);
      break;
    default:
      if (value.kind() == ValueKind::text && column.type == FieldType::string) {
        return append_text(values, value.as_text());
      }
      text_.clear();
      append_json_value(value, text_);
      return append_text(values, text_);
  }
  values.set(values.valid, true);
  ++values.rows;
}

void Stream::append_field(std::size_t index, const Row& row, std::size_t& guess, Values& values) {
  const Column& column = columns_[index];
  if (row.raw_kind == Row::RawKind::json) {
    const auto member = column.type == FieldType::any ? payload_member(row.raw, column.path)
                                                      : std::optional<std::string_view>();
    return member && *member != "null" ? append_text(values, *member) : append_null(column, values);
  }
  if (guess >= row.fields.size() || row.fields[guess].path != column.path) {
    const auto found = std::ranges::find(row.fields, column.path, &Field::path);
    if (found == row.fields.end()) return append_null(column, values);
    guess = static_cast<std::size_t>(found - row.fields.begin());
  }
  append_value(column, values, row.fields[guess++].value);
}

void Stream::append(const Row& row, Batch& batch) {
  std::size_t guess = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    Values& values = batch.values[i];
    switch (column.source) {
      case Source::id:
        append_value(column, values, core::Value::integer(static_cast<std::int64_t>(row.id)));
        break;
      case Source::topic:
        append_text(values, row.topic);
        break;
      case Source::device:
        row.device.empty() ? append_null(column, values) : append_text(values, row.device);
        break;
      case Source::time:
        append_value(column, values, core::Value::time(row.time));
        break;
      case Source::received_at:
        append_value(column, values, core::Value::time(row.received_at));
        break;
      case Source::retained:
        append_value(column, values, core::Value::boolean(row.retained));
        break;
      case Source::field:
        append_field(i, row, guess, values);
        break;
      case Source::extra:
        row.extra.empty() ? append_null(column, values) : append_text(values, row.extra);
        break;
      case Source::payload:
        if (row.raw_kind == Row::RawKind::none) {
          append_null(column, values);
        } else if (row.raw_kind == Row::RawKind::text) {
          append_text(values, row.raw);
        } else {
          text_.clear();
          append_payload_json(row, text_);
          append_text(values, text_);
        }
        break;
    }
  }
}

void Stream::finish(const Column& column, Values& values, ArrowArray& array) {
  values.buffers[0] = values.nulls > 0 ? values.valid.data() : nullptr;
  std::int64_t count = 2;
  switch (column.type) {
    case FieldType::number:
      values.buffers[1] = values.reals.data();
      break;
    case FieldType::integer:
    case FieldType::timestamp:
      values.buffers[1] = values.integers.data();
      break;
    case FieldType::boolean:
      values.buffers[1] = values.bits.data();
      break;
    default:
      if (values.bytes.empty()) values.bytes.reserve(1);  // a pointer to something
      values.buffers[1] = values.offsets.data();
      values.buffers[2] = values.bytes.data();
      count = 3;
  }
  array = {values.rows,           values.nulls, 0,       count,         0,
           values.buffers.data(), nullptr,      nullptr, release_child, nullptr};
}

int Stream::fill_batch(ArrowArray* out) {
  out->release = nullptr;
  if (rows_ == nullptr) {
    auto opened = store_->stream(query_);
    if (!opened) return fail(opened.error());
    rows_ = *std::move(opened);
  }
  auto batch = std::make_unique<Batch>();
  batch->values.resize(columns_.size());
  for (Values& values : batch->values) values.offsets.push_back(0);
  const auto more = rows_->next([&](const Row& row) {
    append(row, *batch);
    return true;
  });
  if (!more) return fail(more.error());
  if (misfit_) return fail(*misfit_);
  if (!*more) return 0;
  batch->children.resize(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    finish(columns_[i], batch->values[i], batch->children[i]);
    batch->pointers.push_back(&batch->children[i]);
  }
  *out = {batch->values.front().rows,
          0,
          0,
          1,
          static_cast<std::int64_t>(columns_.size()),
          batch->no_buffers.data(),
          batch->pointers.data(),
          nullptr,
          release_batch,
          batch.get()};
  (void)batch.release();  // NOLINT: release_batch() deletes it
  return 0;
}

Stream& stream_of(ArrowArrayStream* stream) { return *static_cast<Stream*>(stream->private_data); }

/// No exception leaves through C.
template <class Work>
int guarded(ArrowArrayStream* stream, const Work& work) noexcept {
  try {
    return work();
  } catch (const std::bad_alloc& exception) {
    return stream_of(stream).fail(exception, ENOMEM);
  } catch (const std::exception& exception) {
    return stream_of(stream).fail(exception, EIO);
  }
}

int get_schema(ArrowArrayStream* stream, ArrowSchema* out) {
  return guarded(stream, [&] {
    stream_of(stream).fill_schema(out);
    return 0;
  });
}
int get_next(ArrowArrayStream* stream, ArrowArray* out) {
  return guarded(stream, [&] { return stream_of(stream).fill_batch(out); });
}
const char* get_last_error(ArrowArrayStream* stream) { return stream_of(stream).error(); }
void release_stream(ArrowArrayStream* stream) {
  delete static_cast<Stream*>(stream->private_data);
  stream->release = nullptr;
}

}  // namespace
}  // namespace arrow

void make_arrow_stream(std::shared_ptr<Store> store, Query query, Shape shape,
                       ArrowArrayStream* out) {
  *out = {arrow::get_schema, arrow::get_next, arrow::get_last_error, arrow::release_stream,
          new arrow::Stream(std::move(store), std::move(query), std::move(shape))};
}

}  // namespace telemetry
