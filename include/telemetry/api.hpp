// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "telemetry/arrow.hpp"
#include "telemetry/auth.hpp"
#include "telemetry/environment.hpp"
#include "telemetry/metrics.hpp"
#include "telemetry/store.hpp"

namespace telemetry {

/// What every front end (command line, later HTTP and Python) asks. It checks what is asked, and
/// that nobody sees topics outside of the scope of who asks; nothing else does. It translates
/// nothing back: rows go to the visitor as they come. Thread: any.
class Api {
 public:
  Api(std::shared_ptr<Store> store, Environment environment) noexcept
      : store_(std::move(store)), environment_(std::move(environment)) {}

  /// How long query(), latest(), aggregate() and series() may take; 0 = as long as they want.
  /// Streams go on for as long as somebody takes rows. Set it before others ask. Errors then:
  /// deadline_exceeded, with what to narrow.
  void set_time_limit(std::int64_t ns) noexcept { time_limit_ns_ = ns; }

  /// How long query(), latest(), aggregate() and series() took.
  [[nodiscard]] Histogram::Counts durations() const noexcept { return durations_->counts(); }

  /// @returns the cursor of the next page, where the limit or the visitor ended this one; else
  /// empty.
  /// Errors: invalid_argument  the query is wrong; not_found  nothing is stored yet.
  [[nodiscard]] Result<std::string> query(const Principal& principal, Query query,
                                          const RowVisitor& visit);
  /// What every query goes through, for front ends that select without a store: checks the
  /// selection, and leaves of its topic filters what lies in the scope of who asks.
  /// @returns false when nothing is left: nothing of it may be seen
  /// Errors: invalid_argument
  [[nodiscard]] Result<bool> narrow(const Principal& principal, Selection& selection) const;
  /// The sink that answers; empty without one.
  [[nodiscard]] std::string store_name() const {
    return store_ == nullptr ? std::string() : store_->name();
  }
  /// Rows for who takes them at his own pace. The store outlives it. Errors: those of query().
  [[nodiscard]] Result<std::unique_ptr<RowStream>> stream(const Principal& principal, Query query);
  [[nodiscard]] Result<void> latest(const Principal& principal, Latest latest,
                                    const RowVisitor& visit);
  [[nodiscard]] Result<void> aggregate(const Principal& principal, Aggregate aggregate,
                                       const AggregateVisitor& visit);
  [[nodiscard]] Result<SeriesEnd> series(const Principal& principal, Series series,
                                         const SeriesVisitor& visit);
  [[nodiscard]] Result<Shape> shape(const Principal& principal, Selection selection);
  /// Rows as Arrow record batches; see make_arrow_stream(). They do not read behind what is stored
  /// when the first batch is made.
  /// @param out is made only where this succeeds
  [[nodiscard]] Result<void> arrow(const Principal& principal, Query query, ArrowArrayStream* out);
  /// How many stored rows it covers. Errors: those of check().
  [[nodiscard]] Result<std::uint64_t> count(const Principal& principal, const Deletion& deletion);
  /// Whether it makes sense, and this one may delete that.
  /// Errors: invalid_argument; permission_denied  it reaches beyond the scope of who asks;
  /// failed_precondition  there is no store to delete from.
  [[nodiscard]] Result<void> check(const Principal& principal, const Deletion& deletion) const;

 private:
  /// False when nothing can be visible.
  [[nodiscard]] Result<bool> admit(const Principal& principal, Selection& selection) const;

  /// Ends what takes longer than the limit. @param start  monotonic, ns
  void limit_time(Selection& selection, std::int64_t start) const;
  [[nodiscard]] Error explain(Error error, std::int64_t start) const;

  std::shared_ptr<Store> store_;
  Environment environment_;
  std::int64_t time_limit_ns_ = 0;
  std::unique_ptr<Histogram> durations_ = std::make_unique<Histogram>();
};

}  // namespace telemetry
