// SPDX-License-Identifier: Apache-2.0
#include "environment/posix_file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace telemetry::environment {
namespace {

Errc code_of(int number) noexcept {
  switch (number) {
    case ENOSPC:
    case EDQUOT:
      return Errc::resource_exhausted;
    case ENOENT:
      return Errc::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    default:
      return Errc::unavailable;
  }
}

std::string remedy_of(int number) {
  switch (number) {
    case ENOSPC:
      return " (free space on that file system)";
    case EDQUOT:
      return " (raise the disk quota or free space)";
    case EACCES:
    case EPERM:
      return fmt::format(" (give user id {} access, or choose another path)", ::geteuid());
    case EROFS:
      return " (mount the file system read-write, or choose another path)";
    case EMFILE:
    case ENFILE:
      return " (raise the limit of open files)";
    case EIO:
      return " (check the disk and the kernel log)";
    default:
      return {};
  }
}

Error error_of(const std::string& path, const char* what, int number) {
  return {code_of(number),
          fmt::format("{}: {}: {}{}", path, what, errno_text(number), remedy_of(number))};
}

int sync_data(int file) noexcept {
#if defined(__APPLE__)
  return ::fcntl(file, F_FULLFSYNC);
#else
  return ::fdatasync(file);
#endif
}

std::string parent_of(const std::string& path) {
  const auto slash = path.find_last_not_of('/');
  const auto cut = path.rfind('/', slash);
  if (slash == std::string::npos || cut == std::string::npos) return ".";
  return cut == 0 ? "/" : path.substr(0, cut);
}

}  // namespace

Error PosixFileSystem::failed(Handle file, const char* what) {
  const int number = errno;
  const std::lock_guard lock(mutex_);
  const auto found = paths_.find(file);
  return error_of(found == paths_.end() ? "closed file" : found->second, what, number);
}

Result<FileSystem::Handle> PosixFileSystem::open(const std::string& path, int flags,
                                                 const char* what, unsigned mode) {
  int file = -1;
  do file = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (file < 0 && errno == EINTR);
  if (file < 0) return error_of(path, what, errno);
  const std::lock_guard lock(mutex_);
  paths_[file] = path;
  return file;
}

Result<FileSystem::Handle> PosixFileSystem::open_read(const std::string& path) {
  return open(path, O_RDONLY, "cannot open");
}

Result<FileSystem::Handle> PosixFileSystem::open_write(const std::string& path) {
  return open(path, O_RDWR | O_CREAT, "cannot open for writing");
}

Result<FileSystem::Handle> PosixFileSystem::open_private(const std::string& path) {
  for (;;) {
    // Not through a link, which somebody may have put there for root to follow.
    auto file = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, "cannot open for writing", 0600);
    if (!file) return file;
    const auto refuse = [&](Error error) {
      close(*file);
      return error;
    };
    int locked = 0;
    do locked = ::flock(*file, LOCK_EX | LOCK_NB);
    while (locked != 0 && errno == EINTR);
    if (locked != 0 && errno == EWOULDBLOCK) {
      return refuse({Errc::already_exists, path + ": another process is writing it"});
    }
    if (locked != 0) return refuse(failed(*file, "cannot lock"));
    struct stat opened {};
    struct stat named {};
    if (::fstat(*file, &opened) != 0) return refuse(failed(*file, "cannot stat"));
    if (::lstat(path.c_str(), &named) != 0 || named.st_ino != opened.st_ino ||
        named.st_dev != opened.st_dev) {
      close(*file);  // renamed or removed by who held it until now
      continue;
    }
    if (!S_ISREG(opened.st_mode) || opened.st_nlink != 1) {
      return refuse({Errc::permission_denied, path + ": is not a plain file (remove it)"});
    }
    struct stat folder {};
    const bool as_root = ::geteuid() == 0 && ::stat(parent_of(path).c_str(), &folder) == 0;
    if (as_root && ::fchown(*file, folder.st_uid, folder.st_gid) != 0) {
      return refuse(failed(*file, "cannot give it to the owner of its folder"));
    }
    if (::fchmod(*file, 0600) != 0) return refuse(failed(*file, "cannot set its rights"));
    if (auto emptied = truncate(*file, 0); !emptied) return refuse(emptied.error());
    return file;
  }
}

void PosixFileSystem::close(Handle file) noexcept {
  {
    const std::lock_guard lock(mutex_);
    paths_.erase(file);
  }
  ::close(file);
}

Result<std::size_t> PosixFileSystem::read(Handle file, std::uint64_t offset,
                                          std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const auto n =
        ::pread(file, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n > 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      return failed(file, "cannot read");
  }
  return done;
}

Result<void> PosixFileSystem::write(Handle file, std::uint64_t offset,
                                    std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto n =
        ::pwrite(file, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
    if (n >= 0)
      done += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      return failed(file, "cannot write");
  }
  return {};
}

Result<void> PosixFileSystem::truncate(Handle file, std::uint64_t bytes) {
  int status = 0;
  do status = ::ftruncate(file, static_cast<off_t>(bytes));
  while (status != 0 && errno == EINTR);
  if (status != 0) return failed(file, "cannot truncate");
  return {};
}

Result<void> PosixFileSystem::sync(Handle file) {
  // Not even EINTR is tried again: whether the pages are still dirty is not known.
  if (sync_data(file) != 0) return failed(file, "cannot sync");
  return {};
}

void PosixFileSystem::begin_sync(Handle file) noexcept {
#ifdef SYNC_FILE_RANGE_WRITE
  (void)::sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)file;
#endif
}

void PosixFileSystem::drop_cache(Handle file) noexcept {
#ifdef POSIX_FADV_DONTNEED
  (void)::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
#else
  (void)file;
#endif
}

Result<std::uint64_t> PosixFileSystem::size(Handle file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return failed(file, "cannot stat");
  return static_cast<std::uint64_t>(status.st_size);
}

Result<FileSystem::Status> PosixFileSystem::status(Handle file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return failed(file, "cannot stat");
#if defined(__APPLE__)
  const timespec& modified = status.st_mtimespec;
#else
  const timespec& modified = status.st_mtim;
#endif
  return Status{status.st_ino,
                static_cast<std::int64_t>(modified.tv_sec) * 1'000'000'000 + modified.tv_nsec,
                static_cast<std::uint64_t>(status.st_size),
                static_cast<std::uint32_t>(status.st_mode) & 07777U};
}

Result<void> PosixFileSystem::create_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) == 0) return sync_folder(parent_of(path));
  int number = errno;
  if (number == ENOENT && parent_of(path) != path) {
    if (auto made = create_folder(parent_of(path)); !made) return made;
    if (::mkdir(path.c_str(), 0750) == 0) return sync_folder(parent_of(path));
    number = errno;
  }
  struct stat status {};
  if (number == EEXIST) {
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
    number = ENOTDIR;
  }
  return error_of(path, "cannot create folder", number);
}

Result<void> PosixFileSystem::sync_folder(const std::string& path) {
  auto folder = open(path, O_RDONLY | O_DIRECTORY, "cannot open folder");
  if (!folder) return folder.error();
  // EINVAL: a file system that cannot sync folders (some network mounts) orders names itself.
  const bool ok = ::fsync(*folder) == 0 || errno == EINVAL;
  Result<void> result;
  if (!ok) result = failed(*folder, "cannot sync folder");
  close(*folder);
  return result;
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return error_of(path, "cannot list folder", errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const int number = errno;
  ::closedir(folder);
  if (number != 0) return error_of(path, "cannot list folder", number);
  std::sort(names.begin(), names.end());
  return names;
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return error_of(from, fmt::format("cannot rename to {}", to).c_str(), errno);
  }
  return {};
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return error_of(path, "cannot remove", errno);
  return {};
}

Result<FileSystem::Handle> PosixFileSystem::lock(const std::string& path) {
  auto file = open(path, O_RDWR | O_CREAT, "cannot open lock file");
  if (!file) return file;
  int status = 0;
  do status = ::flock(*file, LOCK_EX | LOCK_NB);
  while (status != 0 && errno == EINTR);
  if (status != 0) {
    const int number = errno;
    char text[24] = {};
    const auto n = ::pread(*file, text, sizeof text - 1, 0);
    close(*file);
    if (number != EWOULDBLOCK) return error_of(path, "cannot lock", number);
    std::string holder(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    holder.erase(std::find(holder.begin(), holder.end(), '\n'), holder.end());
    return Error{Errc::already_exists,
                 fmt::format("{}: locked by process {} (stop it, or choose another path)", path,
                             holder.empty() ? "unknown" : holder)};
  }
  // The id only serves error messages: a full disk must not keep the lock from being taken.
  const std::string id = fmt::format("{}\n", ::getpid());
  if (::ftruncate(*file, 0) == 0) {
    [[maybe_unused]] const auto n = ::pwrite(*file, id.data(), id.size(), 0);
  }
  return file;
}

Result<std::uint64_t> PosixFileSystem::free_bytes(const std::string& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) {
    return error_of(path, "cannot read free space", errno);
  }
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

}  // namespace telemetry::environment
