#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does query_differential find what is wrong in how SQLite answers? Each mutant is one small fault.

  tests/faults/pushdown.py                     every mutant (about 15 minutes)
  tests/faults/pushdown.py after_edge like_in  some
  tests/faults/pushdown.py --check             only that the text of each is there once (a test of ctest)

It works in a clone in a temporary folder; what is not committed is not there. Exit code: 0 all were found.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SQLITE = "adapters/sqlite/"
# name: file, text, what takes its place
MUTANTS = {
    "less_is_less_or_equal": ("condition.cpp", '      return "<";', '      return "<=";'),
    "greater_or_equal_is_greater": ("condition.cpp", '      return ">=";', '      return ">";'),
    "unequal_is_equal": ("condition.cpp", '      return "<>";', '      return "=";'),
    "or_is_and": ("condition.cpp", '? " AND " : " OR ");', '? " AND " : " AND ");'),
    "not_is_left_out": ("condition.cpp", 'return "(NOT " + text(', 'return "(" + text('),
    "null_is_not_null": ("condition.cpp", 'return "(" + value + ") IS NULL";', 'return "(" + value + ") IS NOT NULL";'),
    "absent_field_is_not_null": ("condition.cpp", 'return leaf.kind == Kind::is_null ? "1" : "NULL";',
                                 'return leaf.kind == Kind::is_null ? "0" : "NULL";'),
    "absent_field_is_false": ("condition.cpp", 'return leaf.kind == Kind::is_null ? "1" : "NULL";',
                              'return leaf.kind == Kind::is_null ? "1" : "0";'),
    "misfit_is_left_out_of_in": ("condition.cpp", 'add(*std::move(parameter)) : "NULL");',
                                 'add(*std::move(parameter)) : "0");'),
    "in_takes_the_first_only": ("condition.cpp", 'fmt::join(literals, ",")', "literals.front()"),
    "object_is_never_null": ("condition.cpp", 'there, asks_null ? "0" : "NULL",', 'there, asks_null ? "1" : "NULL",'),
    "extra_forgotten": ("condition.cpp", "place.extra = place.column == nullptr && layout.has_extra;",
                        "place.extra = false;"),
    "inside_of_any_forgotten": ("condition.cpp",
                                "return json_leaf(leaf, value_sql(*place.column), place.inside);",
                                "return json_leaf(leaf, value_sql(*place.column), {});"),
    "raw_texts_forgotten": ("condition.cpp", 'if (leaf.field != "value") break;', "break;"),
    "no_device_is_a_text": ("condition.cpp", "nullif(q.device,'')", "q.device"),
    "series_until_forgotten": ("series.cpp", "time_ > plan_.until()", "false"),
    "series_of_other_topics": ("series.cpp", 'is_one_ ? " AND +p.topic_id=?6" : ""', '""'),
    "series_edge_of_its_block_alone": ("series.cpp", "ends.insert(ends.begin(), *of_block);", "ends = {*of_block};"),
    "until_included": ("selection.cpp", "until_ = *selection_.until - (*selection_.until > INT64_MIN ? 1 : 0);",
                       "until_ = *selection_.until;"),
    "filters_by_range_alone": ("selection.cpp", "if (!core::topic_matches(filter, topic) || ", "if ("),
    "range_too_short": ("selection.cpp", "const std::size_t prefix = filter[wild] == '#' && wild > 0 ? wild - 1 : wild;",
                        "const std::size_t prefix = wild;"),
    "devices_forgotten": ("selection.cpp",
                          "if (!devices.empty() && std::ranges::find(devices, device) == devices.end()) return false;", "(void)devices;"),
    "topic_conditions_forgotten": ("selection.cpp", "return !condition.is_all_of_topic() || is_met(condition, topic, device);",
                                   "return (void)condition, (void)topic, true;"),
    "mixed_conditions_forgotten": ("selection.cpp", "if (!condition.is_all_of_topic()) part.condition",
                                   "if (condition.is_leaf() && !condition.is_all_of_topic()) part.condition"),
    "tables_pruned_too_early": ("selection.cpp", "partition.time_max < since_ ||", "partition.time_max <= since_ ||"),
    "tables_begin_too_late": ("selection.cpp", "partition.time_min > until_ ||", "partition.time_min >= until_ ||"),
    "schemas_by_the_first": ("selection.cpp", "return names.empty() || std::ranges::find(names, layout.schema_name) != names.end();",
                             "return names.empty() || layout.schema_name == \"air\";"),
    "booleans_as_numbers": ("aggregate.cpp", "return {Sample::Kind::boolean, Number(std::int64_t{json", "return {Sample::Kind::number, Number(std::int64_t{json"),
    "times_as_numbers": ("aggregate.cpp", "const bool time = type == core::FieldType::timestamp;", "const bool time = false;"),
    "groups_kept_over_tables": ("aggregate.cpp", "  groups_.clear();  // the schema is another one\n", ""),
    "slices_overlap": ("aggregate.cpp", "std::min(last, from + width - 1)", "std::min(last, from + width)"),
    "slices_apart": ("aggregate.cpp", "std::min(last, from + width - 1)", "std::min(last, from + width - 2)"),
    "after_edge": ("reader.cpp", "edge_.id = static_cast<std::int64_t>(query_.after->id);",
                   "edge_.id = static_cast<std::int64_t>(query_.after->id) - 1;"),
    "window_left_out": ("reader.cpp", "next_time(ascending() ? to + 1 : to - 1);", "next_time(ascending() ? to + 2 : to - 2);"),
    "unsorted_window": ("reader.cpp", "  buffer_.sort(ascending());\n", ""),
    "latest_without_conditions": ("latest.cpp", "  if (!is_selected(latest_, row)) return true;\n", ""),
    "latest_skips_a_page": ("latest.cpp", "WHERE t.topic>?1", "WHERE t.topic>=?1"),
}


def run(*command, folder):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", check=False)
    return done.returncode, done.stdout


def build_and_test(clone):
    """'passes', 'fails', or why it does not build."""
    code, output = run("scripts/build", "release", "test_query_differential", folder=clone)
    if code != 0:
        return "does not build:\n" + "\n".join(output.splitlines()[-12:])
    code, _ = run("timeout", "120", "build/release/tests/test_query_differential", folder=clone)
    return "passes" if code == 0 else "fails"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    unknown = set(options.names) - set(MUTANTS)
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    chosen = {name: MUTANTS[name] for name in options.names or MUTANTS}
    problems = 0
    for name, (file, text, _) in chosen.items():
        count = (ROOT / SQLITE / file).read_text().count(text)
        if count != 1:
            print(f"{name}: its text is {count} times in {SQLITE}{file}")
            problems += 1
    if options.check or problems:
        return 1 if problems else 0
    with tempfile.TemporaryDirectory() as folder:
        clone = pathlib.Path(folder) / "clone"
        run("git", "clone", "-q", str(ROOT), str(clone), folder=folder)
        verdict = build_and_test(clone)
        if verdict != "passes":
            print(f"without a mutant the test {verdict}")
            return 1
        missed = []
        for name, (file, text, place) in chosen.items():
            path = clone / SQLITE / file
            before = path.read_text()
            path.write_text(before.replace(text, place))
            verdict = build_and_test(clone)
            path.write_text(before)
            print(f"{name:32} {'found' if verdict == 'fails' else 'MISSED: ' + verdict}", flush=True)
            if verdict != "fails":
                missed.append(name)
        print(f"{len(chosen) - len(missed)} of {len(chosen)} found")
        return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
