#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What takes the flash and the RAM of images, from the linker's maps, as the table of docs/firmware.md.
Parts cannot be told apart in images that were optimised as one program.

usage: sizes.py [--write] DOCUMENT COMPILER NAME=MAP...
The table in the document must be this one where the compiler is the document's; another compiler makes
other sizes, so then the table is only printed. --write brings the document up to date.
"""
import pathlib
import re
import subprocess
import sys

BEGIN, END = "<!-- sizes: tests/firmware/sizes.py", "<!-- end of sizes -->"
# The first that fits: (part, section, object file).
PARTS = [
    ("decoder, choice of schema", r"\.(text|rodata)", r"telemetry_core.*\((decode|json_pull|schema_table|time|topic|utf8|value)\.cpp"),
    ("ring", r"\.(text|rodata)", r"telemetry_core.*\(ring_buffer\.cpp"),
    ("MQTT codec and session", r"\.(text|rodata)", r"telemetry_core.*\(mqtt_"),
    ("card journal", r"\.(text|rodata)", r"telemetry_core.*\((card_|checksum|journal_format)"),
    ("store and forward", r"\.text.*StoreForward", ""),
    ("deadband", r"\.(text|rodata)", r"telemetry_core.*\(deadband"),
    ("C functions over them", r"\.(text|rodata)", r"telemetry_core.*\(c_api"),
    ("tables of the schemas", r"\.rodata.*7schemas", ""),
    ("C library, libgcc", r"\.(text|rodata)", r"lib(c_nano|gcc)\.a"),
    ("the program and its drivers", r"\.(text|rodata|vectors|data)", ""),
    ("RAM, buffers and objects", r"\.(bss|data)|COMMON", ""),
]
INPUT_SECTION = re.compile(r"^ (\.?[\w.$]+|\*fill\*)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)(?:\s+(\S.*))?$")


def input_sections(text: str) -> list[tuple[str, int, str]]:
    """(section, bytes, object file) of all that is linked, in the order of the addresses.

    Equal strings are merged into the first section that has them. The map names the others with the size
    that they had before: each has only what is left until the next section begins.
    """
    found = []
    for line in text.splitlines():
        match = INPUT_SECTION.match(line)
        if match and (int(match[2], 16) != 0 or match[1] == ".vectors"):
            found.append((match[1], int(match[2], 16), int(match[3], 16), match[4] or ""))
    following = [address for _, address, _, _ in found[1:]] + [sys.maxsize]
    return [(section, min(size, after - address) if after >= address else size, object_file)
            for (section, address, size, object_file), after in zip(found, following)]


def sizes(map_file: str) -> dict[str, int]:
    """Bytes of each part; the stack and the totals, too."""
    text = pathlib.Path(map_file).read_text()
    text = text[text.index("Linker script and memory map"):]
    text = re.sub(r"^( \S+)\n\s+", r"\1 ", text, flags=re.M)  # long names stand on a line of their own
    found: dict[str, int] = {}
    for section, size, object_file in input_sections(text):
        for part, sections, object_files in PARTS:
            if re.match(sections, section) and re.search(object_files, object_file):
                found[part] = found.get(part, 0) + size
                break
    def output(section: str) -> int:
        match = re.search(rf"^{re.escape(section)}\s+0x[0-9a-f]+\s+0x([0-9a-f]+)", text, re.M)
        return int(match[1], 16) if match else 0
    flash = output(".text") + output(".data")
    parts = sum(size for part, size in found.items() if not part.startswith("RAM"))
    if ".ltrans" in text:
        found = {"RAM, buffers and objects": found["RAM, buffers and objects"]}
    elif not 0 <= flash - parts <= flash // 50:  # what is missing is padding
        sys.exit(f"sizes: {map_file}: {parts} bytes in parts, {flash} in all: the parts are wrong")
    found["**flash in all**"] = flash
    found["stack, reserved"] = output(".stack")
    found["**RAM in all**"] = output(".stack") + output(".bss") + output(".data")
    return found


def table(compiler: str, images: list[str]) -> str:
    names = [image.split("=")[0] for image in images]
    columns = [sizes(image.split("=")[1]) for image in images]
    rows = [part for part, _, _ in PARTS if not part.startswith("RAM")] + ["**flash in all**"]
    rows += ["RAM, buffers and objects", "stack, reserved", "**RAM in all**"]
    lines = [f"{BEGIN}, GCC {compiler} -->",
             "| bytes | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for row in rows:
        if any(row in column for column in columns):
            lines.append(f"| {row} | " + " | ".join(
                f"{column[row]:,}" if column.get(row) else "-" for column in columns) + " |")
    return "\n".join([*lines, END])


def main() -> int:
    arguments = sys.argv[1:]
    write = arguments[0] == "--write"
    document, compiler, *images = arguments[write:]
    version = subprocess.run([compiler, "-dumpversion"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.strip()
    now = table(version, images)
    print(now)
    path = pathlib.Path(document)
    text = path.read_text()
    in_document = re.search(rf"{re.escape(BEGIN)}.*?{re.escape(END)}", text, re.S)
    if in_document is None:
        sys.exit(f"sizes: {document} has no line that begins with: {BEGIN}")
    if write:
        path.write_text(text.replace(in_document[0], now))
    elif in_document[0] == now:
        print(f"{document} says the same")
    elif f"GCC {version} -->" in in_document[0]:
        print(f"{document} says something else. To bring it up to date:\n"
              f"  {sys.argv[0]} --write {' '.join(arguments)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
