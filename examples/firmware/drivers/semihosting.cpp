// SPDX-License-Identifier: Apache-2.0
#include "drivers/semihosting.hpp"

#include <array>
#include <cstring>

namespace semihosting {
namespace {

enum class Operation : std::uint32_t {
  open = 0x01,
  close = 0x02,
  write_character = 0x03,
  write = 0x05,
  read = 0x06,
  command_line = 0x15,
  exit_extended = 0x20,
};

/// @param parameter usually the address of a block of words.
std::int32_t call(Operation operation, const volatile void* parameter) noexcept {
  register std::uint32_t r0 asm("r0") = static_cast<std::uint32_t>(operation);
  register const volatile void* r1 asm("r1") = parameter;
  asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return static_cast<std::int32_t>(r0);
}

std::uint32_t word(const void* address) noexcept {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(address));
}
std::uint32_t word(std::size_t size) noexcept { return static_cast<std::uint32_t>(size); }

}  // namespace

void exit(int code) noexcept {
  constexpr std::uint32_t application_exit = 0x20026;
  const std::uint32_t block[2] = {application_exit, static_cast<std::uint32_t>(code)};
  for (;;) call(Operation::exit_extended, block);
}

void print(std::string_view text) noexcept {
  for (const char& c : text) call(Operation::write_character, &c);
}

void print(std::uint32_t number) noexcept {
  std::array<char, 10> digits;
  std::size_t at = digits.size();
  do {
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  print(std::string_view(&digits[at], digits.size() - at));
}

std::string_view arguments(std::span<char> memory) noexcept {
  std::uint32_t block[2] = {word(memory.data()), word(memory.size())};
  if (call(Operation::command_line, block) != 0) return {};
  const char* at = memory.data();
  const char* const end = at + std::strlen(at);
  constexpr std::string_view name_end = ".elf";
  const char* behind_name = end;
  for (const char* p = at; static_cast<std::size_t>(end - p) >= name_end.size(); ++p) {
    if (std::memcmp(p, name_end.data(), name_end.size()) == 0) behind_name = p + name_end.size();
  }
  while (behind_name != end && *behind_name == ' ') ++behind_name;
  return {behind_name, static_cast<std::size_t>(end - behind_name)};
}

bool File::open(std::string_view path, std::uint32_t mode) noexcept {
  std::array<char, 256> name;
  if (path.size() >= name.size()) return false;
  std::memcpy(name.data(), path.data(), path.size());
  name[path.size()] = '\0';
  const std::uint32_t block[3] = {word(name.data()), mode, word(path.size())};
  handle_ = call(Operation::open, block);
  return handle_ != -1;
}

std::size_t File::read(std::span<std::uint8_t> out) noexcept {
  const std::uint32_t block[3] = {static_cast<std::uint32_t>(handle_), word(out.data()),
                                  word(out.size())};
  // The call answers how much is missing; -1 and all of it are the end.
  const std::int32_t missing = call(Operation::read, block);
  return missing < 0 ? 0 : out.size() - static_cast<std::size_t>(missing);
}

bool File::write(std::span<const std::uint8_t> bytes) noexcept {
  const std::uint32_t block[3] = {static_cast<std::uint32_t>(handle_), word(bytes.data()),
                                  word(bytes.size())};
  return call(Operation::write, block) == 0;
}

void File::close() noexcept {
  const std::uint32_t block[1] = {static_cast<std::uint32_t>(handle_)};
  call(Operation::close, block);
  handle_ = -1;
}

}  // namespace semihosting
