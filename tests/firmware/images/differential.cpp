// SPDX-License-Identifier: Apache-2.0
// Judges a file of payloads (schema u16 | bytes u16 | payload, little-endian) and writes a file of
// verdicts. Arguments: PAYLOADS VERDICTS.
#include "drivers/semihosting.hpp"
// The generated tables of the schemas.
#include "firmware/differential/tables.inc"
#include "firmware/verdict.hpp"

using namespace telemetry;

namespace {

constinit differential::Judge judge;
std::array<char, 600> memory;
std::array<std::uint8_t, 1024> out_memory;
std::array<std::uint8_t, 4> header;
std::array<std::uint8_t, differential::payload_bytes_max> payload;

std::size_t number_at(std::size_t at) {
  return static_cast<std::size_t>(header[at] | header[at + 1] << 8);
}

int run(semihosting::File& in, semihosting::File& out) {
  std::size_t filled = 0;
  std::uint32_t count = 0;
  while (in.read(header) == header.size()) {
    const std::size_t schema = number_at(0);
    const std::size_t size = number_at(2);
    if (schema >= std::size(differential_schemas::all) || size > payload.size()) return 2;
    if (in.read(std::span(payload).first(size)) != size) return 2;
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), size);
    for (const std::uint8_t byte : judge(*differential_schemas::all[schema].view, text)) {
      out_memory[filled++] = byte;
    }
    ++count;
    if (filled == out_memory.size()) {
      if (!out.write(out_memory)) return 3;
      filled = 0;
    }
  }
  semihosting::print(count);
  semihosting::print(" payloads\n");
  return out.write(std::span(out_memory).first(filled)) ? 0 : 3;
}

}  // namespace

int main() {
  const std::string_view arguments = semihosting::arguments(memory);
  std::size_t space = 0;
  while (space < arguments.size() && arguments[space] != ' ') ++space;
  if (space == arguments.size()) return 1;
  semihosting::File in, out;
  if (!in.open_to_read({arguments.data(), space}) ||
      !out.open_to_write({arguments.data() + space + 1, arguments.size() - space - 1})) {
    return 1;
  }
  const int code = run(in, out);
  out.close();
  return code;
}
