// SPDX-License-Identifier: Apache-2.0
#include "catch.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>

#include "model/fault_file_system.hpp"
#include "telemetry/journal.hpp"

using namespace telemetry;
using namespace telemetry::model;

// A journal of several small segments is damaged in one of many ways, seed by seed. It must open,
// deliver every frame whose bytes and place are unchanged, in order, deliver nothing else, count
// what it skipped, keep a copy of what it skipped, and take new messages. TELEMETRY_MUTATION_SEED
// runs one alone, TELEMETRY_MUTATIONS sets how many. Instrumented builds, some ten times slower,
// run a tenth unless told otherwise.

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t mutations_default = 1'000;
#else
constexpr std::uint64_t mutations_default = 10'000;
#endif

using Bytes = std::vector<std::uint8_t>;
const std::string folder = "/data/journal";

struct Placed {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t sequence = 0;  // 0: schema or snapshot
  std::string payload;
};

/// The undamaged journal, once with what stood in the same places before (stale blocks).
struct Original {
  FaultFileSystem files{1};
  std::vector<std::string> segments;
  std::vector<Placed> frames;
  std::map<std::string, Bytes> stale;
};

JournalOptions options() {
  JournalOptions options;
  options.path = folder;
  options.segment_bytes = 8192;
  options.size_max_bytes = 1024 * 1024;
  return options;
}

SegmentContent content() {
  SegmentContent content;
  content.schema_document = [](std::uint64_t id) {
    return "{\"name\": \"schema " + std::to_string(id) + "\"}";
  };
  content.snapshot = [] { return Snapshot::of(std::string(300, 's')); };
  return content;
}

Journal::Ticket append(Journal& journal, const std::vector<std::string>& payloads) {
  std::vector<Journal::Record> records(payloads.size());
  std::vector<std::string> topics(payloads.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    records[i].header.schema_id = 1 + i % 3;
    topics[i] = "sensors/" + std::string(i % 5 + 1, '1') + "/temperature";
    records[i].topic = topics[i];
    records[i].payload = payloads[i];
    bytes += core::frame_size(40, payloads[i].size(), false);
  }
  REQUIRE(journal.reserve(bytes));
  auto ticket = journal.append(records);
  REQUIRE(ticket);
  return *ticket;
}

/// Payloads: JSON, and now and then a copy of the newest segment's own bytes, frames and all.
std::vector<std::string> payloads_for(FaultFileSystem& files, std::mt19937_64& random,
                                      int& number) {
  std::vector<std::string> payloads;
  for (int i = 0; i < 5; ++i, ++number) {
    std::string payload = "{\"number\": " + std::to_string(number) + ", \"pad\": \"" +
                          std::string(random() % 150, 'p') + "\"}";
    if (random() % 4 == 0) {
      auto names = files.list(folder);
      REQUIRE(names);
      for (auto name = names->rbegin(); name != names->rend(); ++name) {
        if (!name->ends_with(".tlj")) continue;
        const Bytes bytes = files.content(folder + "/" + *name);
        const std::size_t begin = std::min<std::size_t>(bytes.size(), 64 + random() % 600);
        const std::size_t end = std::min<std::size_t>(bytes.size(), begin + random() % 1500);
        payload.append(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                       bytes.begin() + static_cast<std::ptrdiff_t>(end));
        break;
      }
    }
    payloads.push_back(std::move(payload));
  }
  return payloads;
}

void build(Original& original) {
  ManualClock clock;
  std::mt19937_64 random(7);
  auto journal = Journal::open(options(), fault_environment(clock, original.files), content());
  REQUIRE(journal);
  int number = 0;
  while ((*journal)->stats().segments < 5 || number % 7 != 0) {
    const auto ticket = append(**journal, payloads_for(original.files, random, number));
    REQUIRE((*journal)->sync(ticket));
    clock.advance(1'000'000);
  }
  journal->reset();
  auto names = original.files.list(folder);
  REQUIRE(names);
  for (const auto& name : *names) {
    if (name.ends_with(".tlj")) original.segments.push_back(folder + "/" + name);
  }
  const auto dumped = dump_journal(
      folder, fault_environment(clock, original.files),
      [&](const core::FrameView& frame, const std::string& file, std::uint64_t offset) {
        const bool own = frame.header.kind == core::FrameKind::message;
        original.frames.push_back({file, offset, frame.bytes, own ? frame.header.sequence : 0,
                                   std::string(frame.payload)});
        return true;
      });
  REQUIRE(dumped);
  // What a disk might give back instead: the same frames as another life of the same file had them.
  for (std::size_t i = 0; i < original.segments.size(); ++i) {
    Bytes old = original.files.content(original.segments[i]);
    std::rotate(old.begin(), old.begin() + 700, old.end());
    original.stale[original.segments[i]] = std::move(old);
  }
}

class Mutation {
 public:
  Mutation(const Original& original, FaultFileSystem& files, std::uint64_t seed)
      : original_(original), files_(files), random_(seed) {}

  void apply() {
    const std::size_t count = random_() % 4 == 0 ? 1 + random_() % 6 : 1;
    for (std::size_t i = 0; i < count; ++i) one();
  }
  std::string description;

 private:
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
  const std::string& any_segment() { return original_.segments[below(original_.segments.size())]; }

  void one() {
    const std::string file = any_segment();
    Bytes bytes = files_.content(file);
    const std::size_t kind = below(11);
    description += std::to_string(kind) + " " + file.substr(file.size() - 30) + "; ";
    switch (kind) {
      case 0:
        flip(bytes);
        break;
      case 1:
        bytes.resize(below(bytes.size() + 1));
        break;
      case 2:
        fill(bytes, 512, [](std::size_t) { return std::uint8_t{0}; });
        break;
      case 3:
        fill(bytes, 4096, [](std::size_t) { return std::uint8_t{0}; });
        break;
      case 4: {
        const auto other = any_segment();
        swap(bytes, other, file == other);
        break;
      }
      case 5: {
        const Bytes& old = original_.stale.at(file);
        fill(bytes, 512, [&](std::size_t i) { return i < old.size() ? old[i] : std::uint8_t{0}; });
        break;
      }
      case 6: {
        const Bytes old = files_.content(any_segment());  // the same place of another segment
        fill(bytes, 512, [&](std::size_t i) { return i < old.size() ? old[i] : std::uint8_t{0}; });
        break;
      }
      case 7:
        header(bytes);
        break;
      case 8:
        fill(bytes, 1 + below(300), [&](std::size_t) { return random_byte(); });
        break;
      case 9:
        for (std::size_t i = below(3000); i > 0; --i) bytes.push_back(random_byte());
        break;
      case 10:
        shift(bytes);
        break;
      default:
        break;
    }
    files_.set_content(file, std::move(bytes));
    if (below(20) == 0) files_.set_content(folder + "/journal.id", {'x'});
    if (below(20) == 0) files_.set_content(folder + "/00000000000000000009-zz.tlj", {1, 2, 3});
  }

  std::uint8_t random_byte() { return static_cast<std::uint8_t>(random_()); }

  void flip(Bytes& bytes) {
    for (std::size_t n = 1 + below(8); n > 0 && !bytes.empty(); --n) {
      bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1u << below(8));
    }
  }

  template <class Byte>
  void fill(Bytes& bytes, std::size_t block, const Byte& byte) {
    const std::size_t begin = below(bytes.size() / block + 1) * block;
    for (std::size_t i = begin; i < std::min(begin + block, bytes.size()); ++i) bytes[i] = byte(i);
  }

  void swap(Bytes& bytes, const std::string& other, bool same) {
    constexpr std::size_t block = 512;
    Bytes second = same ? bytes : files_.content(other);
    if (bytes.size() < 2 * block || second.size() < 2 * block) return;
    const std::size_t a = below(bytes.size() / block) * block;
    const std::size_t b = below(second.size() / block) * block;
    Bytes& target = same ? bytes : second;
    for (std::size_t i = 0; i < block; ++i) std::swap(bytes[a + i], target[b + i]);
    if (!same) files_.set_content(other, std::move(second));
  }

  void header(Bytes& bytes) {
    for (std::size_t n = 1 + below(64); n > 0; --n) {
      const std::size_t at = below(64);
      if (at < bytes.size()) bytes[at] = random_byte();
    }
  }

  void shift(Bytes& bytes) {  // a block is missing, or there twice
    const std::size_t at = below(bytes.size());
    const std::size_t n = std::min(bytes.size() - at, below(600));
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    if (below(2) == 0) {
      bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(n));
    } else {
      const Bytes copy(begin, begin + static_cast<std::ptrdiff_t>(n));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), copy.begin(), copy.end());
    }
  }

  const Original& original_;
  FaultFileSystem& files_;
  std::mt19937_64 random_;
};

struct Delivered {
  std::vector<std::uint64_t> sequences;
  std::uint64_t missing = 0;
  std::string wrong;
};

Delivered read_all(Journal& journal, const std::map<std::uint64_t, std::string>& payloads) {
  Delivered delivered;
  auto reader = journal.read_from(0);
  for (;;) {
    auto frame = reader->next();
    if (!frame) delivered.wrong = "cannot read: " + frame.error().context;
    if (!frame || !*frame) break;
    const auto& header = (*frame)->header;
    if (header.kind != core::FrameKind::message) continue;
    if (!delivered.sequences.empty() && header.sequence <= delivered.sequences.back()) {
      delivered.wrong = "out of order: " + std::to_string(header.sequence);
    }
    const auto payload = payloads.find(header.sequence);
    if (payload == payloads.end() || payload->second != (*frame)->payload) {
      delivered.wrong = "not what was stored: " + std::to_string(header.sequence);
    }
    delivered.sequences.push_back(header.sequence);
  }
  delivered.missing = reader->missing();
  return delivered;
}

/// What the damage left whole.
struct Left {
  std::vector<std::uint64_t> sequences;
  bool every_frame = true;           // schemas and snapshots too
  std::vector<std::string> damaged;  // files that differ before their last whole frame
  bool cut_between_frames = false;
};

Left judge(const Original& original, const FaultFileSystem& files) {
  Left left;
  for (const auto& file : original.segments) {
    const Bytes before = original.files.content(file);
    const Bytes after = files.content(file);
    bool changed =
        !std::equal(before.begin(), before.begin() + 64, after.begin(),
                    after.begin() + std::min<std::ptrdiff_t>(64, after.end() - after.begin()));
    bool boundary = after.size() <= 64;
    for (const auto& frame : original.frames) {
      if (frame.file != file) continue;
      boundary = boundary || after.size() == frame.offset;
      const auto begin = static_cast<std::ptrdiff_t>(frame.offset);
      const auto end = static_cast<std::ptrdiff_t>(frame.offset + frame.size);
      const bool whole =
          after.size() >= frame.offset + frame.size &&
          std::equal(before.begin() + begin, before.begin() + end, after.begin() + begin);
      if (!whole) {
        left.every_frame = false;
        changed = true;
      } else {
        if (changed) left.damaged.push_back(file);
        changed = false;
        if (frame.sequence != 0) left.sequences.push_back(frame.sequence);
      }
    }
    left.cut_between_frames =
        left.cut_between_frames || (boundary && before.size() != after.size());
  }
  left.damaged.erase(std::unique(left.damaged.begin(), left.damaged.end()), left.damaged.end());
  return left;
}

std::string check(const Original& original, FaultFileSystem& files,
                  const std::map<std::uint64_t, std::string>& payloads) {
  const Left left = judge(original, files);
  std::map<std::string, Bytes> mutated;
  for (const auto& file : original.segments) mutated[file] = files.content(file);

  ManualClock clock;
  auto opened = Journal::open(options(), fault_environment(clock, files), content(),
                              [](const core::FrameView&) {});
  if (!opened) return "cannot open: " + opened.error().context;
  auto& journal = **opened;
  const Delivered delivered = read_all(journal, payloads);
  if (!delivered.wrong.empty()) return delivered.wrong;
  if (!std::includes(delivered.sequences.begin(), delivered.sequences.end(), left.sequences.begin(),
                     left.sequences.end())) {
    return "an unchanged frame was not delivered";
  }
  const auto stats = journal.stats();
  if (!left.every_frame && !left.cut_between_frames &&
      stats.damaged_bytes + stats.torn_bytes == 0) {
    return "damage was not counted";
  }
  if (left.damaged.empty() && left.every_frame && delivered.missing > 0)
    return "nothing is missing";
  for (const auto& file : left.damaged) {
    const std::string copy = folder + "/quarantine" + file.substr(file.rfind('/'));
    if (files.content(copy) != mutated[file]) return "no copy in quarantine of " + file;
  }
  if (stats.damaged_places < left.damaged.size()) return "a damaged place was not counted";
  if (!left.cut_between_frames && !delivered.sequences.empty() &&
      delivered.sequences.back() == payloads.rbegin()->first &&
      delivered.missing != payloads.size() - delivered.sequences.size()) {
    return "missing messages were not counted";
  }

  const auto ticket = append(journal, {"new 1", "new 2"});
  if (!journal.sync(ticket)) return "cannot sync";
  if (!delivered.sequences.empty() && ticket.first <= delivered.sequences.back()) {
    return "a number was given out twice";
  }
  opened->reset();

  auto more = payloads;
  more[ticket.first] = "new 1";
  more[ticket.last] = "new 2";
  opened = Journal::open(options(), fault_environment(clock, files), content());
  if (!opened) return "cannot open again: " + opened.error().context;
  Delivered again = read_all(**opened, more);
  if (!again.wrong.empty()) return "again: " + again.wrong;
  auto expected = delivered.sequences;
  expected.push_back(ticket.first);
  expected.push_back(ticket.last);
  if (again.sequences != expected) return "the second start delivers something else";
  return {};
}

std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("whatever happens to the segments, start succeeds and unchanged frames are delivered") {
  Original original;
  build(original);
  std::map<std::uint64_t, std::string> payloads;
  for (const auto& frame : original.frames) {
    if (frame.sequence != 0) payloads[frame.sequence] = frame.payload;
  }
  REQUIRE(payloads.size() > 50);
  REQUIRE(original.segments.size() >= 5);
  {
    FaultFileSystem untouched(original.files, 1);
    const std::string wrong = check(original, untouched, payloads);
    REQUIRE(wrong.empty());
  }
  const bool single = std::getenv("TELEMETRY_MUTATION_SEED") != nullptr;
  const std::uint64_t first = from_environment("TELEMETRY_MUTATION_SEED", 1);
  const std::uint64_t count =
      single ? 1 : from_environment("TELEMETRY_MUTATIONS", mutations_default);
  std::uint64_t harmless = 0;
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    FaultFileSystem files(original.files, seed);
    Mutation mutation(original, files, seed);
    mutation.apply();
    if (judge(original, files).every_frame) ++harmless;
    const std::string wrong = check(original, files, payloads);
    if (!wrong.empty()) {
      FAIL("TELEMETRY_MUTATION_SEED=" << seed << " (" << mutation.description << "): " << wrong);
    }
  }
  CHECK(harmless < count / 2 + 1);  // most mutations must hit something
  std::printf("corruption: %llu mutations from seed %llu, %llu of them hit no frame\n",
              static_cast<unsigned long long>(count), static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(harmless));
}
