#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does DuckDB come to the same answers as our store?

Usage: tests/readers/duckdb_opinion.py [--build build/release] [--queries 300] [--seed 20261130]

Needs the network: a virtual environment with a pinned DuckDB is made in a temporary folder. The program
test_query_differential (tests/query/duckdb_questions.cpp) exports its random rows as JSONL and writes random
questions as SQL, each with the answer of the SQLite store. DuckDB answers from the exported text: conditions
with three-valued logic, the newest rows of topics, aggregates, buckets of fixed width and of the calendar in time
zones (extension icu, which is in the wheel). Equal must be: ids in their order, counts, groups and buckets;
minima, maxima, ends and percentiles; sums, averages and deviations to 1e-9 of the largest value.

What the export does not say comes from a file beside it: id, device, schema, and whether a payload is bytes.
Left out of the comparison, as DuckDB means something else or does not know:
  - numbers that doubles do not tell apart (whole ones above 2^53), or whose squares are beyond doubles: neither
    in rows nor in questions. DuckDB compares as doubles, and stddev_samp fails where ours is null
  - whether a sum of whole numbers is written as one: DuckDB adds doubles here
  - the text of objects and arrays (DuckDB writes the numbers in them anew): equal as JSON in first and last;
    of min and max, which go by that text, only that it is an object or array
  - pages behind a cursor, and `fill`: SQL has neither
  - questions that the store refuses as wrong
LIKE has ESCAPE '\\', and quantile_disc is the nearest rank: they are compared.
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

READERS = ["duckdb==2.0.1"]
FIELDS = ["temperature", "humidity", "status", "on", "count", "seen", "place", "place.lat", "place.hall", "note", "note.mode",
          "note.temperature", "list", "rssi", "firmware", "firmware.version", "power", "name"]
LOAD = r"""
SET TimeZone='UTC';
CREATE MACRO cell(j) AS CASE
  WHEN json_type(j) IN ('BIGINT','UBIGINT','DOUBLE') THEN {rank: 1, n: j::DOUBLE, t: NULL::BIGINT, s: NULL::VARCHAR}
  WHEN json_type(j)='BOOLEAN' THEN {rank: 2, n: j::BOOLEAN::DOUBLE, t: NULL::BIGINT, s: NULL::VARCHAR}
  WHEN json_type(j)='VARCHAR' THEN {rank: 4, n: NULL::DOUBLE, t: NULL::BIGINT, s: j->>'$'}
  WHEN json_type(j) IN ('OBJECT','ARRAY') THEN {rank: 5, n: NULL::DOUBLE, t: NULL::BIGINT, s: j::VARCHAR}
END;
CREATE MACRO ns(text) AS epoch_ns(rtrim(text,'Z')::TIMESTAMP_NS);
CREATE TABLE raw AS SELECT row_number() OVER () AS n, k.id, k.time AS told, ns(r.timestamp) AS time, r.topic, k.device, k.schema,
  k.is_binary, CASE WHEN NOT k.is_binary THEN r.payload END AS payload
FROM read_json(?, format='newline_delimited', columns={topic: 'VARCHAR', payload: 'JSON', timestamp: 'VARCHAR'}) r
POSITIONAL JOIN read_csv(?, header=true, columns={id: 'BIGINT', time: 'BIGINT', device: 'VARCHAR', schema: 'VARCHAR',
  is_binary: 'BOOLEAN'}) k;
"""


def load(folder):
    import duckdb  # pylint: disable=import-outside-toplevel,import-error

    connection = duckdb.connect()
    *statements, last = [one for one in LOAD.split(";\n") if one.strip()]
    for statement in statements:
        connection.execute(statement)
    connection.execute(last, [f"{folder}/rows.jsonl", f"{folder}/keys.csv"])
    cells = [f"cell(json_extract(payload,'$.{name}')) AS \"{name}\"" for name in FIELDS]
    at = FIELDS.index("seen")
    cells[at] = "CASE WHEN schema='air' AND payload->>'seen' IS NOT NULL THEN {rank: 3, n: NULL::DOUBLE, t: ns(payload->>'seen')," \
                " s: NULL::VARCHAR} ELSE " + cells[at].replace(' AS "seen"', ' END AS "seen"')
    cells.append("cell(CASE WHEN json_type(payload)='OBJECT' THEN json_extract(payload,'$.value') ELSE payload END) AS \"value\"")
    connection.execute(f"CREATE TABLE rows AS SELECT * EXCLUDE payload, {', '.join(cells)} FROM raw ORDER BY n")
    count, wrong = connection.execute("SELECT count(*), count(*) FILTER (WHERE time IS DISTINCT FROM told) FROM rows").fetchone()
    if wrong or count == 0:
        sys.exit(f"{wrong} of {count} exported rows have another time")
    print(f"DuckDB {duckdb.__version__}, {count} rows")
    return connection


def plain(value):
    """What DuckDB says, as [rank, value]."""
    if isinstance(value, dict):
        rank = value["rank"]
        return [rank, value["n"] if rank <= 2 else value["t"] if rank == 3 else value["s"]]
    return None if value is None else [4 if isinstance(value, str) else 1, value]


def same(ours, theirs, measure=""):
    if ours is None or theirs is None:
        return ours is theirs
    if ours[0] != theirs[0]:
        return False
    if ours[0] < 5:
        return ours[1] == theirs[1]
    return measure.startswith(("min(", "max(")) or json.loads(ours[1]) == json.loads(theirs[1])


def close(ours, theirs, largest):
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours[1] - theirs[1]) <= 1e-9 * max(abs(ours[1]), abs(theirs[1]), largest)


def same_group(ours, theirs, by, measures):
    theirs = iter(theirs)
    if ours[0][1] != next(theirs):
        return "bucket"
    for i in range(by):
        if not same(ours[1 + i], plain(next(theirs))):
            return "group"
    for value, measure in zip(ours[1 + by:], measures, strict=True):
        found = plain(next(theirs))
        if measure.startswith(("avg(", "sum(", "stddev(")):
            equal = close(value, found, next(theirs) or 0)
        else:
            equal = same(value, found, measure)
        if not equal:
            return f"{measure}: {value}, DuckDB {found}"
    return ""


def difference(question, found):
    """Why the answers differ, or nothing."""
    if "ids" in question:
        theirs = [row[0] for row in found]
        return "" if question["ids"] == theirs else f"{len(question['ids'])} rows, DuckDB {len(theirs)}"
    ours = question["answer"]
    if len(ours) != len(found):
        return f"{len(ours)} groups, DuckDB {len(found)}"
    for place, (mine, theirs) in enumerate(zip(ours, found)):
        why = same_group(mine, theirs, question["by"], question["measures"])
        if why:
            return f"group {place}: {why}"
    return ""


def judge(folder):
    connection = load(folder)
    kinds, measures, with_rows, wrong = collections.Counter(), collections.Counter(), 0, 0
    with open(f"{folder}/questions.jsonl", encoding="utf-8") as questions:
        for line in questions:
            question = json.loads(line)
            try:
                found = connection.execute(question["sql"]).fetchall()
                why = difference(question, found)
            except Exception as failure:  # pylint: disable=broad-exception-caught
                found, why = [], f"DuckDB: {failure}"
            kinds[question["kind"]] += 1
            measures.update(name.split("(")[0] for name in question.get("measures", []))
            with_rows += bool(found)
            if why:
                wrong += 1
                if wrong <= 10:
                    print(f"DIFFERS {question['kind']} {question.get('measures', '')} {question['asked']}\n  {why}\n  {question['sql']}")
    print(", ".join(f"{kind} {count}" for kind, count in kinds.items()), "with rows", with_rows)
    percentiles = sum(count for name, count in measures.items() if name[0] == "p" or name == "median")
    print(", ".join(f"{name} {count}" for name, count in measures.items() if name[0] != "p" and name != "median"), "percentiles",
          percentiles)
    asked = sum(kinds.values())
    print(f"{asked - wrong} of {asked} agree")
    return 0 if asked > 0 and wrong == 0 and with_rows * 10 >= asked * 6 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--queries", default=300, type=int)
    parser.add_argument("--seed", default=20261130, type=int)
    parser.add_argument("--judge", metavar="FOLDER", help=argparse.SUPPRESS)  # this script in the environment
    options = parser.parse_args()
    if options.judge:
        return judge(options.judge)
    with tempfile.TemporaryDirectory(prefix="telemetry-opinion-") as folder:
        subprocess.run([options.build / "tests/test_query_differential", "[duckdb]"], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"TELEMETRY_FOLDER": folder, "TELEMETRY_QUERIES": str(options.queries),
                                         "TELEMETRY_SEED": str(options.seed)})
        python = f"{folder}/venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *READERS], check=True)
        return subprocess.run([python, __file__, "--judge", folder], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
