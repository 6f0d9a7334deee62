// SPDX-License-Identifier: Apache-2.0
#include "model/fault_file_system.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace telemetry::model {
namespace {

Error power_is_off() { return {Errc::unavailable, "the power is off"}; }
Error no_space(const std::string& path) {
  return {Errc::resource_exhausted, path + ": No space left on device"};
}
Error broken(const std::string& path) { return {Errc::unavailable, path + ": Input/output error"}; }
Error not_there(const std::string& path) {
  return {Errc::not_found, path + ": No such file or directory"};
}

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace

FaultFileSystem::FaultFileSystem(const FaultFileSystem& other, std::uint64_t seed)
    : random_(seed), folders_(other.folders_) {
  const std::lock_guard lock(other.mutex_);
  for (const auto& [path, file] : other.seen_) {
    auto copy = std::make_shared<File>();
    copy->seen = copy->durable = file->seen;
    seen_[path] = durable_[path] = copy;
  }
}

void FaultFileSystem::set_plan(Plan plan) {
  const std::lock_guard lock(mutex_);
  plan_ = std::move(plan);
  calls_ = 0;
}

std::uint64_t FaultFileSystem::calls() const {
  const std::lock_guard lock(mutex_);
  return calls_;
}

bool FaultFileSystem::crashed() const {
  const std::lock_guard lock(mutex_);
  return crashed_;
}

void FaultFileSystem::set_writeback(bool on) {
  const std::lock_guard lock(mutex_);
  writeback_ = on;
}

void FaultFileSystem::set_atomic_renames(bool on) {
  const std::lock_guard lock(mutex_);
  atomic_renames_ = on;
}

/// For the names of each rename that is not synced: whether the crash came before it.
std::map<std::string, bool> FaultFileSystem::decide_renames() {
  std::map<std::string, bool> is_undone;
  if (!atomic_renames_) return is_undone;
  for (const auto& [to, from] : renamed_) is_undone[to] = is_undone[from] = coin();
  return is_undone;
}

void FaultFileSystem::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_ = bytes;
}

void FaultFileSystem::restart(Unsynced unsynced) {
  const std::lock_guard lock(mutex_);
  open_.clear();
  locked_.clear();
  crashed_ = false;
  plan_ = nullptr;
  // Each changed name is decided by itself: names are not ordered among each other.
  Names names = durable_;
  std::set<std::string> changed;
  for (const auto& [path, file] : seen_) changed.insert(path);
  for (const auto& [path, file] : durable_) changed.insert(path);
  const auto is_undone = decide_renames();
  const auto is_lost = [&](const std::string& path) {
    const auto decided = is_undone.find(path);
    return decided == is_undone.end() ? coin() : decided->second;
  };
  for (const auto& path : changed) {
    const auto seen = seen_.find(path);
    const auto durable = durable_.find(path);
    const bool same =
        seen != seen_.end() && durable != durable_.end() && seen->second == durable->second;
    if (same || unsynced == Unsynced::lost || (unsynced == Unsynced::mixed && is_lost(path))) {
      continue;
    }
    if (seen == seen_.end())
      names.erase(path);
    else
      names[path] = seen->second;
  }
  for (auto& [path, file] : names) settle(*file, unsynced);
  seen_ = durable_ = std::move(names);
  renamed_.clear();
}

void FaultFileSystem::settle(File& file, Unsynced unsynced) {
  // Also sectors of a failed sync, which are clean for the kernel, differ from the disk.
  std::vector<std::uint8_t> left = file.durable;
  if (unsynced == Unsynced::kept) {
    left = file.seen;
  } else if (unsynced == Unsynced::mixed) {
    const std::size_t low = std::min(file.durable.size(), file.seen.size());
    const std::size_t high = std::max(file.durable.size(), file.seen.size());
    const std::size_t sizes[] = {low, high, low + random_() % (high - low + 1)};
    left.resize(sizes[random_() % 3], 0);
    const bool prefix = coin();  // written in order up to somewhere, or any subset
    const std::size_t sectors = (left.size() + sector_bytes - 1) / sector_bytes;
    const std::size_t written = sectors == 0 ? 0 : random_() % (sectors + 1);
    for (std::size_t sector = 0; sector < sectors; ++sector) {
      if (prefix ? sector >= written : coin()) continue;
      const std::size_t begin = sector * sector_bytes;
      const std::size_t end = std::min(begin + sector_bytes, left.size());
      for (std::size_t i = begin; i < end; ++i) left[i] = i < file.seen.size() ? file.seen[i] : 0;
    }
  }
  file.seen = file.durable = std::move(left);
  file.dirty.clear();
}

std::vector<std::uint8_t> FaultFileSystem::content(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(path);
  return found == seen_.end() ? std::vector<std::uint8_t>() : found->second->seen;
}

void FaultFileSystem::set_content(const std::string& path, std::vector<std::uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  auto& file = seen_[path];
  if (!file) file = std::make_shared<File>();
  durable_[path] = file;
  file->seen = file->durable = std::move(bytes);
  file->dirty.clear();
}

bool FaultFileSystem::exists(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  return seen_.contains(path) || folders_.contains(path);
}

void FaultFileSystem::make_unreadable(const std::string& path, bool unreadable) {
  const std::lock_guard lock(mutex_);
  seen_.at(path)->unreadable = unreadable;
}

void FaultFileSystem::remove_all(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  const auto inside = [&](const std::string& path) { return path.starts_with(folder + "/"); };
  std::erase_if(seen_, [&](const auto& entry) { return inside(entry.first); });
  std::erase_if(durable_, [&](const auto& entry) { return inside(entry.first); });
  std::erase_if(locked_, inside);
  std::erase_if(folders_, [&](const auto& path) { return path == folder || inside(path); });
}

FaultFileSystem::Fault FaultFileSystem::begin(Call call, const std::string& path) {
  if (crashed_) return Fault::crash;
  ++calls_;
  const Fault fault = plan_ ? plan_(calls_, call, path) : Fault::none;
  crashed_ = fault == Fault::crash;
  return fault;
}

Result<FaultFileSystem::Open*> FaultFileSystem::find(Handle file) {
  const auto found = open_.find(file);
  if (crashed_ || found == open_.end()) return power_is_off();
  return &found->second;
}

std::uint64_t FaultFileSystem::used_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, file] : seen_) bytes += file->seen.size();
  return bytes;
}

void FaultFileSystem::put(File& file, std::uint64_t offset, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  if (file.seen.size() < offset + bytes.size()) resize(file, offset + bytes.size());
  std::memcpy(file.seen.data() + offset, bytes.data(), bytes.size());
  for (std::size_t s = offset / sector_bytes; s <= (offset + bytes.size() - 1) / sector_bytes;
       ++s) {
    file.dirty.insert(s);
  }
}

void FaultFileSystem::write_back(File& file) {
  if (!writeback_ || random_() % 4 != 0) return;
  for (const std::size_t sector : file.dirty) {
    if (coin()) continue;
    const std::size_t begin = sector * sector_bytes;
    const std::size_t end = std::min(begin + sector_bytes, file.seen.size());
    if (end > file.durable.size()) file.durable.resize(end, 0);
    for (std::size_t i = begin; i < end; ++i) file.durable[i] = file.seen[i];
  }
}

void FaultFileSystem::resize(File& file, std::uint64_t bytes) {
  const std::size_t from = std::min<std::size_t>(file.seen.size(), bytes);
  const std::size_t to = std::max<std::size_t>(file.seen.size(), bytes);
  file.seen.resize(bytes, 0);
  for (std::size_t s = from / sector_bytes; s * sector_bytes < to; ++s) file.dirty.insert(s);
}

Result<FileSystem::Handle> FaultFileSystem::open_read(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  const auto found = seen_.find(path);
  if (found == seen_.end() && !folders_.contains(path)) return not_there(path);
  auto file = found == seen_.end() ? std::make_shared<File>() : found->second;
  if (found == seen_.end()) file->unreadable = true;  // a folder opens and does not read
  open_[next_handle_] = {std::move(file), path, false};
  return next_handle_++;
}

Result<FileSystem::Handle> FaultFileSystem::open_write(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  if (folders_.contains(path)) return broken(path);
  if (!folders_.contains(folder_of(path))) return not_there(path);
  auto found = seen_.find(path);
  if (found == seen_.end()) {
    const Fault fault = begin(Call::open, path);
    if (fault == Fault::fail) return no_space(path);
    if (fault == Fault::crash && coin()) return power_is_off();
    found = seen_.emplace(path, std::make_shared<File>()).first;
    if (fault == Fault::crash) return power_is_off();
  }
  open_[next_handle_] = {found->second, path, true};
  return next_handle_++;
}

Result<FileSystem::Handle> FaultFileSystem::open_private(const std::string& path) {
  auto file = open_write(path);
  if (!file) return file;
  const std::lock_guard lock(mutex_);
  const FilePtr& opened = open_.at(*file).file;
  const auto others = std::count_if(open_.begin(), open_.end(), [&](const auto& entry) {
    return entry.second.file == opened && entry.second.writable;
  });
  if (others > 1) {
    open_.erase(*file);
    return Error{Errc::already_exists, path + ": another process is writing it"};
  }
  opened->mode = 0600;
  resize(*opened, 0);
  return file;
}

void FaultFileSystem::close(Handle file) noexcept {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(file);
  if (found == open_.end()) return;
  locked_.erase(found->second.path);
  open_.erase(found);
}

Result<std::size_t> FaultFileSystem::read(Handle handle, std::uint64_t offset,
                                          std::span<std::uint8_t> out) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  const File& file = *(*open)->file;
  if (file.unreadable) return broken((*open)->path);
  if (offset >= file.seen.size()) return std::size_t{0};
  const std::size_t n = std::min<std::size_t>(out.size(), file.seen.size() - offset);
  if (n > 0) std::memcpy(out.data(), file.seen.data() + offset, n);
  return n;
}

Result<void> FaultFileSystem::write(Handle handle, std::uint64_t offset,
                                    std::span<const std::uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  if (!(*open)->writable) return broken((*open)->path);
  File& file = *(*open)->file;
  const Fault fault = begin(Call::write, (*open)->path);
  std::size_t room = bytes.size();
  const std::uint64_t end = std::max<std::uint64_t>(file.seen.size(), offset + bytes.size());
  const std::uint64_t needed = used_bytes() + (end - file.seen.size());
  if (needed > capacity_) room -= std::min<std::size_t>(room, needed - capacity_);
  if (fault != Fault::none) room = random_() % (room + 1);
  put(file, offset, bytes.first(room));
  write_back(file);
  if (fault == Fault::crash) return power_is_off();
  if (room < bytes.size() || fault == Fault::fail) return no_space((*open)->path);
  return {};
}

Result<void> FaultFileSystem::truncate(Handle handle, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  const Fault fault = begin(Call::truncate, (*open)->path);
  if (fault == Fault::fail) return broken((*open)->path);
  if (fault == Fault::none || coin()) resize(*(*open)->file, bytes);
  if (fault == Fault::crash) return power_is_off();
  return {};
}

Result<void> FaultFileSystem::sync(Handle handle) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  File& file = *(*open)->file;
  const Fault fault = begin(Call::sync, (*open)->path);
  const bool size_first = coin();
  if (fault == Fault::none || size_first) file.durable.resize(file.seen.size(), 0);
  for (const std::size_t sector : file.dirty) {
    if (fault != Fault::none && coin()) continue;
    const std::size_t begin = sector * sector_bytes;
    const std::size_t end = std::min({begin + sector_bytes, file.seen.size(), file.durable.size()});
    for (std::size_t i = begin; i < end; ++i) file.durable[i] = file.seen[i];
  }
  if (fault == Fault::crash) return power_is_off();
  file.dirty.clear();  // also after a failure: the kernel forgets them
  if (fault == Fault::fail) return broken((*open)->path);
  return {};
}

void FaultFileSystem::drop_cache(Handle handle) noexcept {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return;
  File& file = *(*open)->file;
  for (std::size_t i = 0; i < file.seen.size(); ++i) {
    if (file.dirty.contains(i / sector_bytes)) continue;
    file.seen[i] = i < file.durable.size() ? file.durable[i] : std::uint8_t{0};
  }
}

Result<std::uint64_t> FaultFileSystem::size(Handle handle) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  return static_cast<std::uint64_t>((*open)->file->seen.size());
}

Result<FileSystem::Status> FaultFileSystem::status(Handle handle) {
  const std::lock_guard lock(mutex_);
  auto open = find(handle);
  if (!open) return open.error();
  File& file = *(*open)->file;
  if (file.id == 0) file.id = next_id_++;
  return Status{file.id, 0, file.seen.size(), file.mode};
}

Result<void> FaultFileSystem::create_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  if (seen_.contains(path)) return broken(path);
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    folders_.insert(path.substr(0, at));
    if (at == std::string::npos) return {};
  }
}

Result<void> FaultFileSystem::sync_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  if (!folders_.contains(path)) return not_there(path);
  const Fault fault = begin(Call::sync_folder, path);
  if (fault == Fault::fail) return broken(path);
  std::set<std::string> names;
  for (const auto* side : {&seen_, &durable_}) {
    for (const auto& [name, file] : *side) {
      if (folder_of(name) == path) names.insert(name);
    }
  }
  const auto is_undone = fault == Fault::crash ? decide_renames() : std::map<std::string, bool>();
  const auto is_left = [&](const std::string& name) {
    const auto decided = is_undone.find(name);
    return decided == is_undone.end() ? coin() : decided->second;
  };
  for (const auto& name : names) {
    if (fault == Fault::crash && is_left(name)) continue;
    const auto seen = seen_.find(name);
    if (seen == seen_.end())
      durable_.erase(name);
    else
      durable_[name] = seen->second;
  }
  if (fault == Fault::crash) return power_is_off();
  std::erase_if(renamed_, [&](const auto& names_of) { return folder_of(names_of.first) == path; });
  return {};
}

Result<std::vector<std::string>> FaultFileSystem::list(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  if (!folders_.contains(path)) return not_there(path);
  std::set<std::string> names;
  for (const auto& [name, file] : seen_) {
    if (folder_of(name) == path) names.insert(name.substr(path.size() + 1));
  }
  for (const auto& name : folders_) {
    if (folder_of(name) == path && name != path) names.insert(name.substr(path.size() + 1));
  }
  return std::vector<std::string>(names.begin(), names.end());
}

Result<void> FaultFileSystem::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  const auto found = seen_.find(from);
  if (found == seen_.end()) return not_there(from);
  if (folders_.contains(to)) return broken(to);
  if (!folders_.contains(folder_of(to))) return not_there(to);
  const Fault fault = begin(Call::rename, from);
  if (fault == Fault::fail) return broken(from);
  if (fault == Fault::none || coin()) {
    seen_[to] = found->second;
    seen_.erase(from);
    renamed_[to] = from;
  }
  if (fault == Fault::crash) return power_is_off();
  return {};
}

Result<void> FaultFileSystem::remove(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  const auto found = seen_.find(path);
  if (found == seen_.end()) return not_there(path);
  const Fault fault = begin(Call::remove, path);
  if (fault == Fault::fail) return broken(path);
  if (fault == Fault::none || coin()) seen_.erase(found);
  if (fault == Fault::crash) return power_is_off();
  return {};
}

Result<FileSystem::Handle> FaultFileSystem::lock(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  if (!folders_.contains(folder_of(path))) return not_there(path);
  if (!locked_.insert(path).second) {
    return Error{Errc::already_exists, path + ": locked by process 1"};
  }
  open_[next_handle_] = {std::make_shared<File>(), path, false};
  return next_handle_++;
}

Result<std::uint64_t> FaultFileSystem::free_bytes(const std::string&) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return power_is_off();
  const std::uint64_t used = used_bytes();
  return used < capacity_ ? capacity_ - used : 0;
}

Environment fault_environment(Clock& clock, FaultFileSystem& files, Log log) {
  static std::atomic<std::uint64_t> counter{1};
  return {clock, files,
          [](std::span<std::uint8_t> out) {
            std::mt19937_64 random(counter++);
            for (auto& byte : out) byte = static_cast<std::uint8_t>(random());
          },
          std::move(log)};
}

}  // namespace telemetry::model
