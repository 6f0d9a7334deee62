// SPDX-License-Identifier: Apache-2.0
#include "new_files.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <vector>

namespace telemetry::command_line {
namespace {

namespace fs = std::filesystem;

/// 0, or errno.
int write(const NewFile& file) {
  std::FILE* out = std::fopen(file.path.c_str(), "wbx");
  if (out == nullptr) return errno;
  int error = 0;
  if (std::fwrite(file.text.data(), 1, file.text.size(), out) != file.text.size()) error = errno;
  if (std::fclose(out) != 0 && error == 0) error = errno;
  if (error != 0) std::remove(file.path.c_str());
  return error;
}

}  // namespace

Result<void> write_new_files(const std::string& folder, std::span<const NewFile> files,
                             std::string_view other_folder) {
  std::vector<std::string_view> there;
  for (const NewFile& file : files) {
    std::error_code unknown;
    if (fs::symlink_status(file.path, unknown).type() != fs::file_type::not_found)
      there.push_back(file.path);
  }
  if (!there.empty())
    return Error{Errc::already_exists,
                 fmt::format("{} {} there already; remove {}, or name another folder{}{}",
                             fmt::join(there, ", "), there.size() == 1 ? "is" : "are",
                             there.size() == 1 ? "it" : "them", other_folder.empty() ? "" : " ",
                             other_folder)};
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed)
    return Error{Errc::unavailable,
                 fmt::format("{}: cannot make the folder: {}", folder, failed.message())};
  for (std::size_t i = 0; i < files.size(); ++i) {
    const int error = write(files[i]);
    if (error == 0) continue;
    for (const NewFile& written : files.first(i)) std::remove(written.path.c_str());
    return Error{Errc::unavailable,
                 fmt::format("{}: cannot write it: {}", files[i].path, errno_text(error))};
  }
  return {};
}

}  // namespace telemetry::command_line
