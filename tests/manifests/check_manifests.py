#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ESP-IDF, Zephyr, PlatformIO and Arduino are told what CMake is told: version, licence, the core's sources.

usage: check_manifests.py SOURCE_DIR CMAKE LIBTELEMETRY_CORE COMPILER [ARM_COMPILER]
None of them is here: stand-ins (sdk/) take down what our files ask of two of them, the manifests of the
others are read as their documentation says, and the compilers try what that gives. Then each of DAMAGES is
done to a copy of the files and must be found.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SDK = pathlib.Path(__file__).resolve().parent / "sdk"
COPIED = ("CMakeLists.txt", "LICENSE", "idf_component.yml", "library.json", "zephyr", "scripts/arduino-library",
          "include/telemetry/core", "libtelemetry/core", "examples/firmware")
ARDUINO_H = """#pragma once
extern "C" int printf(const char*, ...);
struct SerialPort {
  void begin(unsigned long) {}
  void print(const char* text) { printf("%s", text); }
  void println(const char* text) { printf("%s\\n", text); }
  void println(unsigned number) { printf("%u\\n", number); }
};
inline SerialPort Serial;
void setup();
void loop();
"""
SKETCH_PRINTS = "valid\nbroken rule, at byte 37\n"
# What is replaced (exactly once), by what, and what must be found then.
DAMAGES = [
    ("CMakeLists.txt", r"(project\(telemetry VERSION) \S+", r"\1 9.9.9", "library.json: version "),
    ("idf_component.yml", r'version: "[^"]+"', 'version: "9.9.9"', "idf_component.yml: version 9.9.9, not "),
    ("idf_component.yml", "Apache-2.0", "MIT", "idf_component.yml: licence MIT, not Apache-2.0"),
    ("idf_component.yml", "version: ", "version ", "idf_component.yml:2: cannot be read"),
    ("library.json", r'"version": "[^"]+"', '"version": "9.9.9"', "library.json: version 9.9.9, not "),
    ("library.json", "Apache-2.0", "MIT", "library.json: licence MIT, not Apache-2.0"),
    ("library.json", r"\}\s*$", "", "library.json: cannot be read"),
    ("library.json", r"\+<core/", "+<kernel/", "PlatformIO: decode.cpp is missing"),
    ("library.json", '"srcDir": "libtelemetry"', '"srcDir": "libtelemetry/core"', "PlatformIO: decode.cpp is missing"),
    ("library.json", '"includeDir": "include"', '"includeDir": "includes"', "PlatformIO: no folder includes"),
    ("libtelemetry/core/sources.cmake", " decode.cpp", "", "ESP-IDF: decode.cpp is missing"),
    ("libtelemetry/core/sources.cmake", " decode.cpp", " decode.cpp decoder.cpp", "Zephyr: no file decoder.cpp"),
    ("CMakeLists.txt", " PRIV_INCLUDE_DIRS libtelemetry", "", "ESP-IDF: does not compile"),
    ("CMakeLists.txt", r"(if\(ESP_PLATFORM\))", r"\1\n  add_library(early INTERFACE)", "ESP-IDF: asked for requirements"),
    ("zephyr/module.yml", "cmake: zephyr", "cmake: zephyrus", "Zephyr: no folder zephyrus"),
    ("zephyr/module.yml", "zephyr/Kconfig", "Kconfig", "Zephyr: Kconfig has no option TELEMETRY_CORE"),
    ("zephyr/CMakeLists.txt", r"\(\.\./include\)", "(../includes)", "Zephyr: no folder includes"),
    ("scripts/arduino-library", r"cp libtelemetry.*\n", "", "Arduino: decode.cpp is missing"),
    ("scripts/arduino-library", r"(?m)^includes=.*\n", "", "Arduino: library.properties lacks includes"),
]


def read_yaml(path):
    """Strings, and mappings of strings one level below; whatever else YAML has is refused."""
    top, inner = {}, None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if re.fullmatch(r"\s*(#.*)?", line):
            continue
        match = re.fullmatch(r'(  )?([a-z_]+):(?: (?:"([^"\\]*)"|([A-Za-z][\w./-]*)))?(?: +#.*)?', line)
        into = match and (inner if match[1] else top)
        value = match and (match[4] if match[3] is None else match[3])
        if into is None or match[2] in into or (match[1] and value is None):
            raise ValueError(f"{path.name}:{number}: cannot be read")
        if not match[1]:
            inner = {} if value is None else None
        into[match[2]] = inner if value is None else value
    return top


class Check:
    """One look at one tree."""

    def __init__(self, root, work, cmake, archive, compilers):
        self.root, self.work, self.cmake, self.archive, self.compilers = root, work, cmake, archive, compilers
        self.problems, self.compiled = [], set()
        self.core = {path.name for path in (root / "libtelemetry/core").glob("*.cpp")}
        self.version = re.search(r"project\(telemetry VERSION (\S+)", (root / "CMakeLists.txt").read_text())[1]
        licence = re.search(r"Apache License\s+Version (\S+),", (root / "LICENSE").read_text())
        self.licence = f"Apache-{licence[1]}"

    def run(self):
        for part in (self.esp_idf, self.platformio, self.zephyr, self.arduino):
            try:
                part()
            except ValueError as error:
                self.problems.append(str(error))
        return self.problems

    def same(self, name, manifest):
        for word, key, ours in (("version", "version", self.version), ("licence", "license", self.licence)):
            if manifest.get(key) != ours:
                self.problems.append(f"{name}: {word} {manifest.get(key)}, not {ours}")

    def built(self, who, sources, includes, compilers=None, more=()):
        """What somebody was given to compile is the core, all of it, and compiles."""
        lacks = [f"{who}: no folder {path.name}" for path in includes if not path.is_dir()]
        lacks += [f"{who}: no file {path.name}" for path in sources if not path.is_file()]
        lacks += [f"{who}: {name} is missing" for name in sorted(self.core - {path.name for path in sources})]
        self.problems += lacks
        for compiler in [] if lacks else compilers or self.compilers[:1]:
            command = [*compiler, "-std=gnu++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
                       *(f"-I{path}" for path in sorted(set(includes))), *sorted(map(str, sources)), *more]
            if tuple(command) not in self.compiled:
                self.compiled.add(tuple(command))
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    self.problems.append(f"{who}: does not compile:\n{done.stderr}")

    def given(self, who, folder, definition):
        """What our files ask of the SDK."""
        build = self.work / who
        done = subprocess.run([self.cmake, "-S", SDK, "-B", build, f"-DFOLDER={folder}", definition],
                              capture_output=True, text=True, check=False)
        note = build / "given.txt"
        if done.returncode != 0 or not note.is_file():
            raise ValueError(f"{who}: nothing was given to the SDK:\n{done.stderr}")
        lines = [line.split(" ", 1) for line in note.read_text().splitlines()]
        self.built(who, [pathlib.Path(path) for word, path in lines if word == "source"],
                   [pathlib.Path(path) for word, path in lines if word == "include"])

    def esp_idf(self):
        self.same("idf_component.yml", read_yaml(self.root / "idf_component.yml"))
        done = subprocess.run([self.cmake, f"-DFOLDER={self.root}", "-DESP_PLATFORM=1", "-P", SDK / "requirements.cmake"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(f"ESP-IDF: asked for requirements:\n{done.stderr}")
        self.given("ESP-IDF", self.root, "-DESP_PLATFORM=1")

    def platformio(self):
        try:
            manifest = json.loads((self.root / "library.json").read_text())
        except json.JSONDecodeError as error:
            raise ValueError(f"library.json: cannot be read: {error}") from error
        self.same("library.json", manifest)
        build = manifest["build"]
        sources = self.root / build["srcDir"]
        pattern = re.fullmatch(r"\+<([^<>]+)>", build["srcFilter"])[1]
        # Both folders are on the include path.
        self.built("PlatformIO", list(sources.glob(pattern)), [self.root / build["includeDir"], sources])

    def zephyr(self):
        build = read_yaml(self.root / "zephyr/module.yml")["build"]
        folder, kconfig = self.root / build["cmake"], self.root / build["kconfig"]
        if not folder.is_dir():
            raise ValueError(f"Zephyr: no folder {build['cmake']}")
        if not kconfig.is_file() or "\nconfig TELEMETRY_CORE\n" not in kconfig.read_text():
            raise ValueError(f"Zephyr: {build['kconfig']} has no option TELEMETRY_CORE")
        self.given("Zephyr", folder, "-DCONFIG_TELEMETRY_CORE=y")

    def arduino(self):
        library = self.work / "libtelemetry"
        done = subprocess.run([self.root / "scripts/arduino-library", library, "https://example.com/"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(f"Arduino: scripts/arduino-library: {done.stderr}")
        properties = dict(line.split("=", 1) for line in (library / "library.properties").read_text().splitlines())
        for key in ("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url",
                    "architectures", "includes"):
            if not properties.get(key):
                raise ValueError(f"Arduino: library.properties lacks {key}")
        self.same("library.properties", properties)
        if not (library / "src" / properties["includes"]).is_file():
            raise ValueError(f"Arduino: no header {properties['includes']} in src")
        header = self.work / "stand_in/Arduino.h"
        header.parent.mkdir()
        header.write_text(ARDUINO_H)
        for sketch in library.glob("examples/*/*.ino"):
            if sketch.stem != sketch.parent.name:
                raise ValueError(f"Arduino: {sketch.name} lies in {sketch.parent.name}")
            self.built("Arduino", list((library / "src").rglob("*.cpp")), [library / "src"], self.compilers,
                       ("-include", header, "-x", "c++", sketch))
            if self.archive:
                self.printed(sketch, library / "src", header)

    def printed(self, sketch, includes, header):
        """The sketch, on this machine, prints what it is there to show."""
        main, program = self.work / "main.cpp", self.work / "sketch"
        main.write_text("int main() { setup(); }")
        done = subprocess.run([*self.compilers[0], "-std=gnu++20", f"-I{includes}", "-include", header, "-o", program,
                               main, "-x", "c++", sketch, "-x", "none", self.archive],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            done = subprocess.run([program], capture_output=True, text=True, check=False)
        if done.stdout != SKETCH_PRINTS:
            self.problems.append(f"Arduino: the sketch: {done.stdout}{done.stderr}")


def check(*arguments):
    with tempfile.TemporaryDirectory() as work:
        return Check(arguments[0], pathlib.Path(work), *arguments[1:]).run()


def main():
    root, (cmake, archive) = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:4]
    compilers = [[sys.argv[4]], *([path, "-mcpu=cortex-m3", "-mthumb", "-fno-exceptions", "-fno-rtti"]
                                  for path in sys.argv[5:])]
    failures = check(root, cmake, archive, compilers)
    for name, pattern, replacement, message in DAMAGES:
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder)
            for part in COPIED:
                (copy / part).parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if (root / part).is_dir() else shutil.copy)(root / part, copy / part)
            damaged, count = re.subn(pattern, replacement, (copy / name).read_text())
            (copy / name).write_text(damaged)
            # Only one damage is the compiler's to find.
            found = check(copy, cmake, None, compilers[:1] if "compile" in message else [["true"]])
            if count != 1:
                failures.append(f"{name}: {pattern!r} found {count} times")
            elif not any(problem.startswith(message) for problem in found):
                failures.append(f"{name}: {pattern!r} -> {replacement!r}: not found, but {found}")
    print(*failures, sep="\n")
    print(f"{len(compilers)} compilers, {len(DAMAGES)} damages, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
