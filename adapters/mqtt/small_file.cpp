// SPDX-License-Identifier: Apache-2.0
#include "small_file.hpp"

#include <algorithm>

namespace telemetry::mqtt {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024 * 1024;

}  // namespace

Result<std::string> read_small_file(FileSystem& files, const std::string& path) {
  auto file = files.open_read(path);
  if (!file) {
    if (file.error().code == Errc::not_found) return std::string();
    return std::move(file).error();
  }
  std::string text;
  auto size = files.size(*file);
  if (size) {
    text.resize(std::min<std::size_t>(*size, file_bytes_max));
    size = files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  }
  files.close(*file);
  if (!size) return std::move(size).error();
  text.resize(*size);
  return text;
}

Result<void> replace_small_file(FileSystem& files, const std::string& path,
                                const std::string& text) {
  const std::string fresh = path + ".new";
  auto file = files.open_write(fresh);
  if (!file) return std::move(file).error();
  auto done = files.truncate(*file, 0);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  if (done) done = files.write(*file, 0, {bytes, text.size()});
  if (done) done = files.sync(*file);
  files.close(*file);
  if (done) done = files.rename(fresh, path);
  const auto slash = path.find_last_of('/');
  const bool has_folder = slash != std::string::npos && slash > 0;
  if (done) done = files.sync_folder(has_folder ? path.substr(0, slash) : ".");
  return done;
}

}  // namespace telemetry::mqtt
