// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "telemetry/query.hpp"
#include "telemetry/store.hpp"

// The three structs of Arrow's C data and C stream interface, an ABI that stays as it is.
// Source: https://arrow.apache.org/docs/format/CDataInterface.html and CStreamInterface.html
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4
extern "C" {
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};
}
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
extern "C" {
struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};
}
#endif

namespace telemetry {

/// Makes `out` a stream of the rows as Arrow record batches, for pandas, polars, DuckDB and others.
/// The query begins with the first batch; a batch is as large as what the store reads at once.
///
/// Columns: id, topic, device, time, received_at, retained; then the fields of all schemas that the
/// selection may have (or query.fields, in their order), `extra` and `payload` where there may be
/// any (JSON, or the text of a payload that is one). Numbers are float64, integers int64, booleans
/// bool, times timestamp[ns, UTC], all else utf8: texts, and JSON of arrays, of free fields, and of
/// fields that schemas type differently. All fields may be null. A name that is there already,
/// whatever its capitals, gets a `_` behind it.
/// @param shape of the query, by Store::shape()
/// @param store lives as long as the stream
/// Thread: the stream is used by one at a time; batches by any.
void make_arrow_stream(std::shared_ptr<Store> store, Query query, Shape shape,
                       ArrowArrayStream* out);

}  // namespace telemetry
