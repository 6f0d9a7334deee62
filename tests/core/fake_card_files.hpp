// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "telemetry/core/card_files.hpp"

namespace telemetry::test {

/// A folder in memory: what is written lasts when it is synced.
struct FakeCardFiles {
  struct File {
    std::string name;
  };
  struct Content {
    std::vector<std::uint8_t> now;
    std::vector<std::uint8_t> durable;
    bool exists = false;  // after a power cut
    int handles = 0;
  };

  core::FileStatus open(File& file, const char* name, bool create) {
    if (!works()) return core::FileStatus::error;
    if (!contents.contains(name) && !create) return core::FileStatus::missing;
    Content& content = contents[name];
    if (++content.handles > 1) ++opened_twice;
    ++open_files;
    file.name = name;
    return core::FileStatus::ok;
  }
  bool read(File& file, std::uint32_t offset, std::span<std::uint8_t, core::card_sector_bytes> out,
            std::size_t& bytes) {
    if (!works()) return false;
    const auto& now = contents.at(file.name).now;
    bytes = offset < now.size() ? std::min(out.size(), now.size() - offset) : 0;
    std::copy_n(
        now.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(offset, now.size())), bytes,
        out.begin());
    return true;
  }
  bool write(File& file, std::uint32_t offset,
             std::span<const std::uint8_t, core::card_sector_bytes> in) {
    if (!works()) return false;
    auto& now = contents.at(file.name).now;
    if (offset > now.size()) {
      ++beyond_end;
      return false;
    }
    now.resize(std::max(now.size(), offset + in.size()));
    std::copy(in.begin(), in.end(), now.begin() + offset);
    return true;
  }
  bool sync(File& file) {
    if (!works()) return false;
    Content& content = contents.at(file.name);
    content.durable = content.now;
    content.exists = true;
    return true;
  }
  void close(File& file) {
    --open_files;
    --contents.at(file.name).handles;
  }

  /// Only what was synced is left.
  void cut_power() {
    for (auto it = contents.begin(); it != contents.end();) {
      it->second.now = it->second.durable;
      it->second.handles = 0;
      it = it->second.exists ? std::next(it) : contents.erase(it);
    }
    dead = false;
    cut_at = 0;
    open_files = 0;
  }

  std::map<std::string, Content> contents;
  int calls = 0;
  int fail_at = 0;  // this call fails
  int cut_at = 0;   // this call and all behind it fail
  int open_files = 0;
  int opened_twice = 0;  // handles to a file that had one
  int beyond_end = 0;
  bool dead = false;

 private:
  bool works() {
    ++calls;
    if (calls == cut_at) dead = true;
    return !dead && calls != fail_at;
  }
};

}  // namespace telemetry::test
