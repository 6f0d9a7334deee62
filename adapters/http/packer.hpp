// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace telemetry::http {

/// Packs a body while it is sent. Thread: one at a time.
class Packer {
 public:
  /// The best that a client takes. @param accepted  its Accept-Encoding. Null: nothing.
  [[nodiscard]] static std::unique_ptr<Packer> for_client(std::string_view accepted);
  ~Packer();
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  /// "zstd" or "gzip".
  [[nodiscard]] std::string_view coding() const noexcept;
  /// Puts what is to be sent in the place of `bytes`: maybe nothing yet, unless they are the last.
  void pack(std::string& bytes, bool last);

 private:
  struct State;
  explicit Packer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Whether a client takes bodies packed with gzip. @param accepted  its Accept-Encoding
[[nodiscard]] bool takes_gzip(std::string_view accepted);
/// What was packed with gzip by ourselves. Throws std::runtime_error where it was not.
[[nodiscard]] std::string unpacked_gzip(std::string_view bytes);

}  // namespace telemetry::http
