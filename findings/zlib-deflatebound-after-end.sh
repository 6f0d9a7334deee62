#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# zlib 1.2.13's deflateBound() is 12 bytes too small for a gzip stream that has just ended, and right again after deflateReset().
# Expected: an upper bound for what the stream would produce, at any time after deflateInit2() (zlib.h, deflateBound);
#   nothing says that it must not be asked between Z_FINISH and deflateReset().
# Happens: an ended stream counts the 6 bytes around zlib data and not the 18 of gzip. With a buffer of that size the next
#   member of data that does not compress does not fit: deflate(Z_FINISH) returns Z_OK and not Z_STREAM_END.
# Meets: writers that reuse one stream for many gzip members (one per block or hour) and size the buffer before the reset:
#   works in tests with text, fails on the first block of noise.
# Do: deflateReset() first, then deflateBound(); treat everything but Z_STREAM_END as unfinished.
. "$(dirname "$0")/lib/finding.sh"
debian zlib1g=1:1.2.13.dfsg-1 zlib1g-dev=1:1.2.13.dfsg-1
cat >bound.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

int main(void) {
  static unsigned char noise[1000], out[4000];
  z_stream stream = {0};
  for (size_t i = 0; i < sizeof noise; ++i) noise[i] = (unsigned char)rand();
  deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  for (int member = 0; member < 2; ++member) {
    uLong bound = deflateBound(&stream, sizeof noise);
    if (member) deflateReset(&stream);
    uLong after_reset = deflateBound(&stream, sizeof noise);
    stream.next_in = noise, stream.avail_in = sizeof noise, stream.next_out = out, stream.avail_out = (uInt)bound;
    int result = deflate(&stream, Z_FINISH);
    stream.avail_out = sizeof out - (uInt)bound;
    if (result == Z_OK) deflate(&stream, Z_FINISH);
    printf("%lu %lu %lu %d\n", bound, after_reset, stream.total_out, result);
  }
  fprintf(stderr, "zlib %s\n", zlibVersion());
  return deflateEnd(&stream);
}
C
gcc -isystem debian/usr/include bound.c -o bound -L"${LD_LIBRARY_PATH}" -lz
./bound >output
python3 - <<'PY'
from outcome import verdict

print("expected: a bound of at least what is produced, and Z_STREAM_END (1), for both members")
rows = [list(map(int, line.split())) for line in open("output")]
for name, row in zip(("first member", "second member"), rows):
    print(f"{name}: bound before {row[0]}, bound after the reset {row[1]}, produced {row[2]}, deflate returned {row[3]}")
verdict(rows[0][0] >= rows[0][2] and rows[0][3] == 1 and rows[1][0] < rows[1][2] <= rows[1][1] and rows[1][3] == 0,
        "the bound of an ended gzip stream is too small")
PY
