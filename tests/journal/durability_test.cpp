// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "journal/journal_fixture.hpp"

using namespace telemetry;
using namespace telemetry::test;

namespace {

/// Files whose syncs of segments wait at a gate.
class GatedFiles final : public FileSystem {
 public:
  explicit GatedFiles(FileSystem& files) : files_(files) {}

  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void fail_next() {
    const std::lock_guard lock(mutex_);
    fail_ = true;
  }
  void wait_for_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }
  int syncs() const {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

  Result<void> sync(Handle file) override {
    {
      std::unique_lock lock(mutex_);
      ++syncs_;
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [&] { return open_; });
      --waiting_;
      if (std::exchange(fail_, false)) return Error{Errc::unavailable, "gate: Input/output error"};
    }
    return files_.sync(file);
  }
  Result<Handle> open_read(const std::string& path) override { return files_.open_read(path); }
  Result<Handle> open_write(const std::string& path) override { return files_.open_write(path); }
  Result<Handle> open_private(const std::string& path) override {
    return files_.open_private(path);
  }
  void close(Handle file) noexcept override { files_.close(file); }
  Result<std::size_t> read(Handle file, std::uint64_t offset,
                           std::span<std::uint8_t> out) override {
    return files_.read(file, offset, out);
  }
  Result<void> write(Handle file, std::uint64_t offset,
                     std::span<const std::uint8_t> bytes) override {
    return files_.write(file, offset, bytes);
  }
  Result<void> truncate(Handle file, std::uint64_t bytes) override {
    return files_.truncate(file, bytes);
  }
  Result<std::uint64_t> size(Handle file) override { return files_.size(file); }
  Result<Status> status(Handle file) override { return files_.status(file); }
  Result<void> create_folder(const std::string& path) override {
    return files_.create_folder(path);
  }
  Result<void> sync_folder(const std::string& path) override { return files_.sync_folder(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return files_.list(path);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return files_.rename(from, to);
  }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<Handle> lock(const std::string& path) override { return files_.lock(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return files_.free_bytes(path);
  }

 private:
  FileSystem& files_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool fail_ = false;
  int waiting_ = 0;
  int syncs_ = 0;
};

/// A journal whose syncs the test lets through.
struct GatedFixture : JournalFixture {
  GatedFixture() {
    options.segment_bytes = 1024 * 1024;
    options.size_max_bytes = 64 * 1024 * 1024;
    auto opened =
        Journal::open(options, Environment{clock, gate, environment().random, Log()}, content);
    REQUIRE(opened);
    journal = std::move(*opened);
  }
  ~GatedFixture() { journal.reset(); }  // before its gate
  GatedFiles gate{files};
};

}  // namespace

TEST_CASE("while a sync runs others may append, and the next sync serves all of them at once") {
  GatedFixture f;
  f.keep({"first"});
  const int before = f.gate.syncs();
  f.gate.shut();
  auto leader_ticket = f.append({"leader"});
  REQUIRE(leader_ticket);
  std::atomic<int> done{0};
  std::thread leader([&] { done += f.journal->sync(*leader_ticket) ? 1 : 0; });
  f.gate.wait_for_waiting(1);

  // The append side is free although the disk is busy.
  std::vector<std::thread> followers;
  for (int i = 0; i < 5; ++i) {
    auto ticket = f.append({"follower"});
    REQUIRE(ticket);
    followers.emplace_back([&f, &done, t = *ticket] {
      if (f.journal->sync(t)) ++done;
    });
  }
  CHECK(f.journal->durable_end() == 1);
  f.gate.open();
  leader.join();
  for (auto& follower : followers) follower.join();
  CHECK(done == 6);
  CHECK(f.journal->durable_end() == 7);
  CHECK(f.gate.syncs() == before + 2);
}

TEST_CASE("a failed sync rolls back everything unsynced, for all who wait") {
  GatedFixture f;
  f.keep({"kept"});
  std::vector<std::uint64_t> rollbacks;
  f.journal->on_rollback([&](std::uint64_t last) { rollbacks.push_back(last); });
  f.gate.shut();
  auto leader_ticket = f.append({"lost 1"});
  REQUIRE(leader_ticket);
  Errc leader_error{}, follower_error{};
  std::thread leader([&] { leader_error = f.journal->sync(*leader_ticket).error().code; });
  f.gate.wait_for_waiting(1);
  auto follower_ticket = f.append({"lost 2"});
  REQUIRE(follower_ticket);
  std::thread follower([&] { follower_error = f.journal->sync(*follower_ticket).error().code; });
  f.gate.fail_next();
  f.gate.open();
  leader.join();
  follower.join();
  CHECK(leader_error == Errc::unavailable);
  CHECK(follower_error == Errc::unavailable);
  CHECK(rollbacks == std::vector<std::uint64_t>{1});
  CHECK(f.journal->durable_end() == 1);
  CHECK(f.keep({"next"}) == 2);
  CHECK(f.read() == Strings{"1:kept", "2:next"});
  CHECK(f.journal->stats().sync_failures == 1);
  CHECK(f.journal->stats().rollbacks == 1);
  // Asked again later, the answers are still the same.
  CHECK_FALSE(f.journal->sync(*leader_ticket));
  CHECK_FALSE(f.journal->sync(*follower_ticket));
  CHECK(f.journal->sync({0, 1, 1}));
}

TEST_CASE("an append that meets a failed sync is refused: its state was built on what is gone") {
  GatedFixture f;
  f.keep({"kept"});
  f.gate.shut();
  auto ticket = f.append({"lost"});
  REQUIRE(ticket);
  std::atomic<bool> lost{false};
  std::thread leader([&] { lost = !f.journal->sync(*ticket); });
  f.gate.wait_for_waiting(1);
  {
    const auto lock = f.journal->lock();  // the leader cannot clean up: this thread has to
    REQUIRE(f.journal->reserve(200));
    f.gate.fail_next();
    f.gate.open();
    Result<Journal::Ticket> refused = *ticket;
    while (refused) {  // until the failure is known; nothing that is appended meanwhile counts
      Journal::Record record;
      record.payload = "built on it";
      refused = f.journal->append({&record, 1});
    }
    CHECK(refused.error().code == Errc::unavailable);
    CHECK(f.journal->durable_end() == 1);
  }
  leader.join();
  CHECK(lost);
  CHECK(f.keep({"next"}) == 2);
  CHECK(f.read() == Strings{"1:kept", "2:next"});
}

TEST_CASE("closing a full segment waits for the sync that runs, and notices when it fails") {
  GatedFixture f;
  f.keep({"kept"});
  f.gate.shut();
  auto ticket = f.append({"lost"});
  REQUIRE(ticket);
  std::atomic<bool> lost{false};
  std::thread leader([&] { lost = !f.journal->sync(*ticket); });
  f.gate.wait_for_waiting(1);
  f.gate.fail_next();
  std::atomic<bool> rolled{false};
  std::thread roller([&] { rolled = static_cast<bool>(f.journal->reserve(2 * 1024 * 1024)); });
  f.gate.open();
  roller.join();
  leader.join();
  CHECK(lost);
  CHECK(rolled);
  CHECK(f.journal->durable_end() == 1);
  CHECK(f.keep({"next"}) == 2);
  CHECK(f.read() == Strings{"1:kept", "2:next"});
}

TEST_CASE("many threads append and sync, and every message is there once and in order") {
  GatedFixture f;
  constexpr int threads = 4, each = 200;
  std::vector<std::thread> workers;
  std::atomic<int> failed{0};
  for (int t = 0; t < threads; ++t) {
    workers.emplace_back([&f, &failed, t] {
      for (int i = 0; i < each; ++i) {
        auto ticket = f.append({std::to_string(t) + "/" + std::to_string(i)});
        if (!ticket || !f.journal->sync(*ticket) || f.journal->durable_end() < ticket->last) {
          ++failed;
        }
      }
    });
  }
  // Readers and statistics run beside them.
  std::uint64_t read = 0;
  auto reader = f.journal->read_from(0);
  while (read < threads * each && failed == 0) {
    auto frame = reader->next();
    if (frame && *frame) {
      if ((*frame)->header.sequence != ++read) ++failed;
    } else {
      (void)f.journal->stats();
      f.journal->trim();
      std::this_thread::yield();
    }
  }
  for (auto& worker : workers) worker.join();
  CHECK(failed == 0);
  CHECK(read == threads * each);
  CHECK(f.journal->stats().syncs <= threads * each);
}

TEST_CASE("after a failed sync and a crash nothing that was rolled back comes back") {
  for (const auto outcome : {Unsynced::kept, Unsynced::lost}) {
    JournalFixture f;
    REQUIRE(f.open());
    f.keep({"kept"});
    // The cut fails too, so that the rolled back frame stays in the file.
    f.files.set_plan([](std::uint64_t, Call call, const std::string&) {
      return call == Call::sync || call == Call::truncate ? Fault::fail : Fault::none;
    });
    auto ticket = f.append({"gone"});
    REQUIRE(ticket);
    REQUIRE_FALSE(f.journal->sync(*ticket));
    f.mend();
    CHECK(f.keep({"next"}) == 2);
    CHECK(f.read() == Strings{"1:kept", "2:next"});
    f.files.restart(outcome);
    REQUIRE(f.open());
    CHECK(f.read() == Strings{"1:kept", "2:next"});
    CHECK(f.keep({"after"}) == 3);
    CHECK(f.journal->stats().damaged_places == 0);
  }
}

TEST_CASE("what could not be synced is not believed when the process starts again") {
  // The machine runs on, so that its memory still shows the bytes that never reached the disk.
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"kept"});
  f.files.set_plan([](std::uint64_t, Call call, const std::string&) {
    return call == Call::write ? Fault::none : Fault::fail;
  });
  {
    auto ticket = f.append({std::string(700, 'x')});
    REQUIRE(ticket);
    REQUIRE_FALSE(f.journal->sync(*ticket));
  }
  f.journal.reset();
  f.mend();
  REQUIRE(f.open());
  CHECK(f.read() == Strings{"1:kept"});
  f.keep({"next"});
  f.files.restart(Unsynced::lost);
  REQUIRE(f.open());
  CHECK(f.read() == Strings{"1:kept", "2:next"});
}

TEST_CASE("when no new segment can be opened after a failed sync, later batches try again") {
  JournalFixture f;
  REQUIRE(f.open());
  f.keep({"kept"});
  auto ticket = f.append({"gone"});
  REQUIRE(ticket);
  f.files.set_plan([](std::uint64_t, Call call, const std::string&) {
    return call == Call::sync || call == Call::open ? Fault::fail : Fault::none;
  });
  CHECK(f.journal->sync(*ticket).error().code == Errc::unavailable);
  CHECK_FALSE(f.journal->reserve(100));
  CHECK_FALSE(f.append({"no"}));
  f.mend();
  CHECK(f.keep({"next"}) == 2);
  CHECK(f.read() == Strings{"1:kept", "2:next"});
}

TEST_CASE("a write that fails half way leaves nothing of its batch") {
  for (const auto call : {Call::write, Call::truncate}) {
    JournalFixture f;
    REQUIRE(f.open());
    f.keep({"kept"});
    auto pending = f.append({"pending"});
    REQUIRE(pending);
    int rollbacks = 0;
    f.journal->on_rollback([&](std::uint64_t last) {
      ++rollbacks;
      CHECK(last == 1);
    });
    f.files.set_plan([call](std::uint64_t, Call now, const std::string&) {
      return now == Call::write || now == call ? Fault::fail : Fault::none;
    });
    CHECK_FALSE(f.append({std::string(400, 'x'), "also gone"}));
    f.mend();
    CHECK(f.journal->stats().append_failures == 1);
    if (call == Call::write) {
      CHECK(rollbacks == 0);
      CHECK(f.journal->sync(*pending));
      CHECK(f.keep({"next"}) == 3);
      CHECK(f.read() == Strings{"1:kept", "2:pending", "3:next"});
    } else {  // it could not even be cut: the segment is given up
      CHECK(rollbacks == 1);
      CHECK_FALSE(f.journal->sync(*pending));
      CHECK(f.keep({"next"}) == 2);
      CHECK(f.read() == Strings{"1:kept", "2:next"});
    }
  }
}

TEST_CASE("without sync everything written counts at once and survives the end of the process") {
  JournalFixture f;
  f.options.sync = SyncMode::never;
  REQUIRE(f.open());
  for (int i = 0; i < 10; ++i) {
    auto ticket = f.append({std::string(250, 'x')});
    REQUIRE(ticket);
    CHECK(f.journal->durable_end() == ticket->last);
    CHECK(f.journal->sync(*ticket));
  }
  CHECK(f.journal->stats().syncs == 0);
  CHECK(f.read().size() == 10);
  f.files.restart(Unsynced::kept);
  REQUIRE(f.open());
  CHECK(f.read().size() == 10);
}

TEST_CASE("a ticket of another journal is refused instead of waited for") {
  JournalFixture f;
  REQUIRE(f.open());
  CHECK(f.journal->sync({0, 5, 5}).error().code == Errc::invalid_argument);
}

TEST_CASE("a folder that is deleted while the journal runs is made again at the next segment") {
  JournalFixture f;
  REQUIRE(f.open());
  const auto id = f.journal->id();
  f.keep({std::string(900, 'a')});
  f.files.remove_all(f.options.path);
  f.keep({std::string(900, 'b')});
  CHECK(has(f.log, "the folder is gone"));
  auto reader = f.journal->read_from(0);
  CHECK(f.drain(*reader) == Strings{"2:" + std::string(900, 'b')});
  CHECK(reader->missing() == 1);
  reader.reset();
  REQUIRE(f.open());
  CHECK(f.journal->id() == id);
  CHECK(f.keep({"c"}) == 3);
}
