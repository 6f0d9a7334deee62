// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "telemetry/sink.hpp"

namespace telemetry {
namespace {

class FunctionSink final : public Sink {
 public:
  FunctionSink(std::string name, std::function<Result<void>(const Reading&)> take,
               SinkTraits traits)
      : name_(std::move(name)), take_(std::move(take)), traits_(traits) {}

  [[nodiscard]] std::string name() const override { return name_; }
  [[nodiscard]] SinkTraits traits() const override { return traits_; }
  [[nodiscard]] Result<void> open() override { return {}; }
  [[nodiscard]] Result<WriteReport> write(const JournalId&, std::span<const BatchPtr> batches,
                                          const OnRejected&) override {
    WriteReport report;
    for (const BatchPtr& batch : batches) {
      for (const Reading& reading : batch->readings) {
        if (auto taken = take_(reading); !taken) return std::move(taken).error();
        ++report.accepted;
      }
    }
    if (!batches.empty()) done_ = batches.back()->last;
    report.durable = done_;
    return report;
  }
  [[nodiscard]] Result<std::uint64_t> flush() override { return done_; }
  void close() noexcept override {}

 private:
  std::string name_;
  std::function<Result<void>(const Reading&)> take_;
  SinkTraits traits_;
  std::uint64_t done_ = 0;
};

}  // namespace

std::unique_ptr<Sink> make_function_sink(std::string name,
                                         std::function<Result<void>(const Reading&)> take,
                                         SinkTraits traits) {
  return std::make_unique<FunctionSink>(std::move(name), std::move(take), traits);
}

}  // namespace telemetry
