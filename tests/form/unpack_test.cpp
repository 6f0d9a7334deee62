// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>
#include <zstd.h>

#include "form/support.hpp"

using namespace telemetry;
using namespace form_test;

namespace {

std::string deflated(std::string_view text, int window) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string input(text);
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

std::string gzipped(std::string_view text) { return deflated(text, 31); }

/// @param streaming as from a pipe: the frame does not say how large it is
std::string zstd(std::string_view text, bool streaming = false, int window_log = 0) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  if (streaming) ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

Form unpacking(std::vector<std::string> steps, std::string form = "text") {
  return made({.form = std::move(form), .unpack = std::move(steps)});
}

}  // namespace

TEST_CASE("gzip, zlib and zstd are unpacked") {
  const std::string text = "{\"t\":21.5}";
  CHECK(read(unpacking({"gzip"}, "json"), gzipped(text)) == text);
  CHECK(read(unpacking({"zlib"}, "json"), deflated(text, 15)) == text);
  CHECK(read(unpacking({"zstd"}, "json"), zstd(text)) == text);
  CHECK(read(unpacking({"zstd"}, "json"), zstd(text, true)) == text);
  for (const std::string& packed : {gzipped(""), zstd("")})
    CHECK(read(unpacking({packed[0] == '\x1f' ? "gzip" : "zstd"}), packed) == "\"\"");
}

TEST_CASE("members and frames in a row are one") {
  CHECK(read(unpacking({"gzip"}), gzipped("ab") + gzipped("") + gzipped("cd")) == "\"abcd\"");
  CHECK(read(unpacking({"zstd"}), zstd("ab") + zstd("cd")) == "\"abcd\"");
}

TEST_CASE("large payloads are unpacked, and one byte more than the limit is refused") {
  const std::string full(core::payload_bytes_max, '1');  // a number
  for (const auto& [step, packed, over] :
       {std::tuple{"gzip", gzipped(full), gzipped(full + "1")},
        std::tuple{"gzip", gzipped(full), gzipped(full) + gzipped("1")},
        std::tuple{"zlib", deflated(full, 15), deflated(full + "1", 15)},
        std::tuple{"zstd", zstd(full), zstd(full) + zstd("1")},
        std::tuple{"zstd", zstd(full, true), zstd(full + "1", true, 20)}}) {
    INFO(step);
    CHECK(read(unpacking({step}, "json"), packed) == full);
    CHECK(read(unpacking({step}, "json"), over) ==
          std::string("error: ") + step +
              ": unpack: more than 8388608 bytes come of it, which is the limit of a payload");
  }
}

TEST_CASE("bombs are refused before they are unpacked") {
  std::string large(100'000'000, 'a');
  const std::string packed = gzipped(large);
  CHECK(packed.size() < 200'000);
  CHECK_THAT(read(unpacking({"gzip"}), packed), Catch::Contains("more than 8388608 bytes"));
  CHECK_THAT(read(unpacking({"zstd"}), zstd(large)), Catch::Contains("more than 8388608 bytes"));
  CHECK_THAT(read(unpacking({"zstd"}), zstd(large, true, 20)),
             Catch::Contains("more than 8388608 bytes"));
  CHECK_THAT(read(unpacking({"zstd"}), zstd("small", true, 27)),
             Catch::Contains("needs a window of more than"));
  // In two steps, each of which is small.
  CHECK_THAT(read(unpacking({"gzip", "gzip"}), gzipped(packed)),
             Catch::Contains("more than 8388608 bytes"));
}

TEST_CASE("what is cut off, damaged or followed by more is refused with its place") {
  const std::string text = "a text of some length, a text of some length, 0123456789";
  for (const auto& [step, packed] :
       {std::pair{"gzip", gzipped(text)}, std::pair{"zlib", deflated(text, 15)},
        std::pair{"zstd", zstd(text)}, std::pair{"zstd", zstd(text, true)}}) {
    const Form form = unpacking({step});
    check_cut(form, packed, [](std::size_t) { return false; });
    for (std::size_t i = 0; i < packed.size(); ++i) {
      std::string damaged = packed;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
      const std::string found = read(form, damaged);
      CHECK((found.starts_with(std::string("error: ") + step) || found == '"' + text + '"'));
    }
    CHECK_THAT(read(form, packed + "x"), Catch::StartsWith(std::string("error: ") + step));
  }
  CHECK(read(unpacking({"gzip"}), gzipped("abc") + "xyz") ==
        "error: gzip: byte 23: 3 bytes follow its end");
  CHECK(read(unpacking({"gzip"}), gzipped("abc").substr(0, 12)) ==
        "error: gzip: byte 12: the payload ends here, in the middle; it was cut off");
  CHECK(read(unpacking({"zlib"}), deflated("abc", 15) + deflated("abc", 15)) ==
        "error: zlib: byte 11: 11 bytes follow its end");
  CHECK(read(unpacking({"gzip"}), "{\"t\":1}") == "error: gzip: byte 2: incorrect header check");
  CHECK(read(unpacking({"zstd"}), "{\"t\":1}") == "error: zstd: byte 0: Unknown frame descriptor");
  std::string damaged = zstd(text, true);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  CHECK(read(unpacking({"zstd"}), damaged) == "error: zstd: byte " +
                                                  std::to_string(damaged.size() - 4) +
                                                  ": Restored data doesn't match checksum");
  CHECK(read(unpacking({"zstd"}), zstd(text) + "12345") ==
        "error: zstd: byte " + std::to_string(zstd(text).size()) + ": Unknown frame descriptor");
  CHECK(read(unpacking({"zstd"}), "") ==
        "error: zstd: byte 0: the payload ends here, in the middle; it was cut off");
}

TEST_CASE("base64 has both alphabets, with and without padding and line ends") {
  check(unpacking({"base64"}),
        {{"", "\"\""},
         {"YQ==", "\"a\""},
         {"YQ", "\"a\""},
         {"YWI=", "\"ab\""},
         {"YWJj", "\"abc\""},
         {"YWJj\r\nZGVm\n", "\"abcdef\""},
         {"w7_Dv-KCrA", "\"ÿÿ€\""},
         {"w7/Dv+KCrA==", "\"ÿÿ€\""},
         {"YWJj!", "error: base64: byte 4: \"!\" is no character of it"},
         {"YWJjZ", "error: base64: byte 5: the payload ends here, in the middle; it was cut off"},
         {"YQ=", "error: base64: byte 3: 1 characters of padding"},
         {"YWJj=", "error: base64: byte 5: 1 characters of padding"},
         {"YQ==YQ==", "error: base64: byte 4: something follows the padding"},
         {"YR==",
          "error: base64: byte 4: the last character has bits of a byte that is not there: it was "
          "cut off"},
         {"YWJ",
          "error: base64: byte 3: the last character has bits of a byte that is not there: it was "
          "cut off"}});
}

TEST_CASE("hex has either case, spaces between bytes, and may begin with 0x") {
  check(unpacking({"hex"}),
        {{"", "\"\""},
         {"414a", "\"AJ\""},
         {"0x4A6b", "\"Jk\""},
         {" 41 42\r\n43 ", "\"ABC\""},
         {"4", "error: hex: byte 1: the payload ends here, in the middle; it was cut off"},
         {"4 1", "error: hex: byte 1: \" \" is no hexadecimal digit"},
         {"41g0", "error: hex: byte 2: \"g\" is no hexadecimal digit"},
         {"0x0x41", "error: hex: byte 3: \"x\" is no hexadecimal digit"}});
}

TEST_CASE("the content of a JSON string is the payload") {
  check(unpacking({"json_text"}),
        {{R"( "{\"t\":21.5}" )", R"("{\"t\":21.5}")"},
         {R"("\u00e4\ud83d\ude00")", R"("ä😀")"},
         {"{}", "error: json_text: byte 0: a JSON string must stand here, with its quotes"},
         {R"("a)", "error: json_text: byte 2: a JSON string must stand here, with its quotes"},
         {R"("a" "b")", "error: json_text: byte 4: 3 bytes follow its end"}});
}

TEST_CASE("steps are taken in their order, and one scratch serves many payloads") {
  const Form form = unpacking({"json_text", "base64", "gzip", "hex"}, "value");
  const std::string payload = "\"H4sIAAAAAAACAzMxNDYCADlmSX4GAAAA\"";
  CHECK_THAT(read(form, payload), Catch::StartsWith("error: "));
  Form::Scratch scratch;
  const Form two = unpacking({"hex", "hex"});
  std::string out;
  for (int i = 0; i < 3; ++i) {
    out.clear();
    REQUIRE(two.read("3431 3432", out, scratch));
    CHECK(out == "\"AB\"");
    CHECK_FALSE(two.read("3431 343", out, scratch));
    CHECK_FALSE(form.read(payload, out, scratch));
  }
}
