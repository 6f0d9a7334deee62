// SPDX-License-Identifier: Apache-2.0
#include "boards.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "journal/segment_file.hpp"
#include "schema/json_value.hpp"
#include "telemetry/core/time.hpp"
#include "telemetry/core/utf8.hpp"
#include "telemetry/export.hpp"

namespace telemetry::web {
namespace {

using schemas::JsonMember;
using schemas::JsonTree;
using schemas::JsonValue;

/// Of the whole file, as boards within their limits never reach it.
constexpr std::size_t file_bytes_max = 32 * 1024 * 1024;
constexpr std::size_t file_values_max = 200'000;

bool is_plain_text(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::none_of(text, is_control) && core::is_valid_utf8(text);
}

std::string_view text_in(const JsonValue& object, std::string_view name) {
  const JsonValue* const found = object.find(name);
  return found != nullptr && found->kind == JsonValue::Kind::string ? found->text : "";
}

std::string_view folder_in(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_in(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

/// What is wrong; empty: it was read.
std::string read_board(const JsonValue& from, Board& board) {
  board.name = text_in(from, "name");
  if (std::string wrong = Boards::name_problem(board.name); !wrong.empty())
    return "a name must be " + wrong;
  board.by = text_in(from, "by");
  if (!core::parse_time(text_in(from, "updated"), 0, board.updated_ns))
    return "'updated' is no time";
  const JsonValue* const document = from.find("document");
  const JsonValue* const charts = document == nullptr ? nullptr : document->find("charts");
  if (charts == nullptr || charts->kind != JsonValue::Kind::array) return "there are no charts";
  for (const JsonMember& one : charts->inside) {
    board.charts.push_back(
        {std::string(text_in(one.value, "title")), std::string(text_in(one.value, "query"))});
  }
  return Boards::problem(board);
}

}  // namespace

std::string Boards::name_problem(std::string_view name) {
  const bool fits = !name.empty() && name.size() <= name_bytes_max && is_plain_text(name) &&
                    name.find_first_of("/%?#\\") == name.npos && name.front() != ' ' &&
                    name.back() != ' ' && name.front() != '.';
  if (fits) return {};
  return fmt::format(
      "1 to {} bytes of text without / % ? # \\, a dot in front, and spaces at its ends",
      name_bytes_max);
}

std::string Boards::problem(const Board& board) {
  if (board.charts.size() > charts_max)
    return fmt::format("{} charts; at most {} fit", board.charts.size(), charts_max);
  for (const Board::Chart& chart : board.charts) {
    if (chart.title.size() > title_bytes_max || !is_plain_text(chart.title))
      return fmt::format("a title must be one line of at most {} bytes", title_bytes_max);
    if (chart.query.size() > query_bytes_max || !is_plain_text(chart.query))
      return fmt::format("a query must be one line of at most {} bytes", query_bytes_max);
  }
  if (document_of(board).size() > board_bytes_max)
    return fmt::format("the document has more than {} bytes", board_bytes_max);
  return {};
}

std::string version_of(const Board& board) {
  const std::string text =
      fmt::format("{}\n{}\n{}", board.updated_ns, board.by, document_of(board));
  return fmt::format("{:016x}", hash64(text));
}

std::string document_of(const Board& board) {
  std::string out = "{\"charts\":[";
  for (const Board::Chart& chart : board.charts) {
    out += out.back() == '[' ? "{\"title\":" : ",{\"title\":";
    append_json_string(chart.title, out);
    out += ",\"query\":";
    append_json_string(chart.query, out);
    out += '}';
  }
  return out + "]}";
}

Result<void> Boards::move_aside(const std::string& why) {
  const std::string aside = path_ + ".malformed";
  environment_.log(
      LogLevel::error, "web",
      fmt::format("{}: {}; it is kept as {}, and there are no boards now", path_, why, aside));
  return environment_.files.rename(path_, aside);
}

/// Reads the file when first asked: nobody else writes it.
Result<void> Boards::load() {
  if (loaded_) return {};
  FileSystem& files = environment_.files;
  std::string text;
  {
    const auto opened = files.open_read(path_);
    if (!opened && opened.error().code == Errc::not_found) {
      loaded_ = true;
      return {};
    }
    if (!opened) return opened.error();
    const journal::OpenFile file(files, *opened);
    const auto size = files.size(*file);
    if (!size) return size.error();
    if (*size <= file_bytes_max) {
      text.resize(*size);
      const auto n =
          files.read(*file, 0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
      if (!n) return n.error();
      text.resize(*n);
    }
  }
  JsonTree tree;
  JsonValue root;
  std::string wrong;
  Map read;
  if (!tree.parse(text, file_values_max, root, wrong)) {
    wrong = "malformed: " + printable(wrong);
  } else if (const JsonValue* const list = root.find("boards");
             list == nullptr || list->kind != JsonValue::Kind::array) {
    wrong = "malformed: it has no list `boards`";
  } else {
    for (const JsonMember& one : list->inside) {
      Board board;
      if (wrong = read_board(one.value, board); !wrong.empty()) break;
      std::string name = board.name;
      read.emplace(std::move(name), std::move(board));
    }
    if (wrong.empty() && read.size() > boards_max) wrong = "more boards than fit";
    if (!wrong.empty()) wrong = "malformed: " + wrong;
  }
  if (!wrong.empty()) {
    if (auto moved = move_aside(wrong); !moved) return moved;
    read.clear();
  }
  boards_ = std::move(read);
  loaded_ = true;
  return {};
}

Result<void> Boards::store(const Map& boards) {
  std::string text = "{\"version\":1,\n\"boards\":[";
  for (const auto& [name, board] : boards) {
    text += text.back() == '[' ? "\n{\"name\":" : ",\n{\"name\":";
    append_json_string(name, text);
    text += ",\"updated\":";
    append_json_time(board.updated_ns, text);
    text += ",\"by\":";
    append_json_string(board.by, text);
    text += ",\"document\":" + document_of(board) + "}";
  }
  text += "]}\n";
  const std::string folder(folder_in(path_));
  if (auto made = environment_.files.create_folder(folder); !made) return made;
  return journal::replace_file(environment_.files, folder, file_in(path_),
                               {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

Result<std::vector<Board>> Boards::all() {
  const std::lock_guard lock(mutex_);
  if (auto loaded = load(); !loaded) return loaded.error();
  std::vector<Board> out;
  for (const auto& [name, board] : boards_) out.push_back(board);
  return out;
}

Result<std::optional<Board>> Boards::find(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (auto loaded = load(); !loaded) return loaded.error();
  const auto found = boards_.find(name);
  if (found == boards_.end()) return std::optional<Board>();
  return std::optional<Board>(found->second);
}

Result<bool> Boards::save(Board board, const Check& may) {
  const std::lock_guard lock(mutex_);
  if (auto loaded = load(); !loaded) return loaded.error();
  Map changed = boards_;
  const auto found = changed.find(board.name);
  if (may && !may(found == changed.end() ? nullptr : &found->second)) return false;
  if (found == changed.end() && changed.size() >= boards_max) {
    return Error{Errc::resource_exhausted,
                 fmt::format("there are {} boards, which is the most; remove one", boards_max)};
  }
  const std::string name = board.name;
  changed.insert_or_assign(name, std::move(board));
  if (auto stored = store(changed); !stored) return stored.error();
  boards_ = std::move(changed);
  return true;
}

Result<bool> Boards::remove(std::string_view name, const Check& may) {
  const std::lock_guard lock(mutex_);
  if (auto loaded = load(); !loaded) return loaded.error();
  Map changed = boards_;
  const auto found = changed.find(name);
  if (may && !may(found == changed.end() ? nullptr : &found->second)) return false;
  if (found == changed.end()) return false;
  changed.erase(found);
  if (auto stored = store(changed); !stored) return stored.error();
  boards_ = std::move(changed);
  return true;
}

}  // namespace telemetry::web
