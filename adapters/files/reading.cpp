// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "frames.hpp"
#include "telemetry/adapters/files.hpp"

namespace telemetry {
namespace {

constexpr std::size_t block_bytes = 64 * 1024;

struct Closed {
  void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); }
};

class UnpackedFile {
 public:
  UnpackedFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  Result<void> begin() {
    if (auto read = fill(); !read) return read;
    const auto begins = [&](std::initializer_list<std::uint8_t> magic) {
      return size_ >= magic.size() && std::equal(magic.begin(), magic.end(), block_.begin());
    };
    if (begins({0x1F, 0x8B})) unpacker_ = make(FileCompression::gzip);
    if (begins({0x28, 0xB5, 0x2F, 0xFD})) unpacker_ = make(FileCompression::zstd);
    if (begins({0x04, 0x22, 0x4D, 0x18})) unpacker_ = make(FileCompression::lz4);
    return {};
  }

  Result<std::size_t> read(std::span<char> into) {
    for (;;) {
      if (at_ == size_) {
        if (auto more = fill(); !more) return more.error();
        if (size_ == 0 && !inside_) return std::size_t{0};
      }
      const auto rest = std::span<const std::uint8_t>(block_).first(size_).subspan(at_);
      if (!unpacker_) {
        const std::size_t count = std::min(rest.size(), into.size());
        std::copy_n(rest.begin(), count, into.begin());
        at_ += count;
        return count;
      }
      const auto step = unpacker_->step(rest, into);
      at_ += step.consumed;
      if (step.outcome == files::Unpacker::Outcome::damaged) return damaged("is damaged");
      if (step.consumed > 0 || step.produced > 0)
        inside_ = step.outcome == files::Unpacker::Outcome::more;
      if (step.produced > 0) return step.produced;
      if (size_ == 0) return damaged("ends too early");
    }
  }

 private:
  static std::unique_ptr<files::Unpacker> make(FileCompression compression) {
    return std::make_unique<files::Unpacker>(compression);
  }
  Result<void> fill() {
    errno = 0;
    at_ = 0;
    size_ = std::fread(block_.data(), 1, block_.size(), file_.get());
    if (std::ferror(file_.get()) == 0) return {};
    return Error{Errc::unavailable,
                 fmt::format("{}: cannot read it: {}", path_, errno_text(errno))};
  }
  [[nodiscard]] Error damaged(std::string_view what) const {
    return {Errc::data_loss,
            fmt::format("{}: its compressed text {}; copy it again when its writer has closed it",
                        path_, what)};
  }

  std::string path_;
  std::unique_ptr<std::FILE, Closed> file_;
  std::array<std::uint8_t, block_bytes> block_{};
  std::size_t at_ = 0, size_ = 0;
  std::unique_ptr<files::Unpacker> unpacker_;
  bool inside_ = false;  // of a frame
};

}  // namespace

Result<ReadBytes> open_unpacked(const std::string& path) {
  errno = 0;
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) {
    const Errc code = errno == ENOENT   ? Errc::not_found
                      : errno == EACCES ? Errc::permission_denied
                                        : Errc::unavailable;
    return Error{code, fmt::format("{}: cannot read it: {}", path, errno_text(errno))};
  }
  auto reading = std::make_shared<UnpackedFile>(path, file);
  if (auto begun = reading->begin(); !begun) return begun.error();
  return ReadBytes([reading](std::span<char> into) { return reading->read(into); });
}

}  // namespace telemetry
