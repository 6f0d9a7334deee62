// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { api } from "../../api/client";
import { mayDo, session } from "../../api/session";
import { useAsk } from "../../app/hooks";
import { count, short } from "../../app/format";
import { useRoute } from "../../app/router";
import { useStore } from "../../app/store";
import { Empty, Field, Link, Loading, Note, Panel, Pill, ProblemNote, Table, Text, type Column } from "../../ui";
import type { Schema } from "./document";
import { Draft } from "./Draft";
import { newestFirst, SchemaPage } from "./SchemaPage";
import { noCounts, share, topics_max, useCounts, type Counts } from "./stats";
import { Which } from "./Which";
import "./schemas.css";

export default function Schemas() {
  const name = useRoute().query.get("schema");
  return name === null ? <SchemaList /> : <SchemaPage key={name} name={name} />;
}

interface Row {
  name: string; // "": topics without a schema
  versions: Schema[];
  counts: Counts | undefined;
}
const filter_from = 8;

function SchemaList() {
  const who = useStore(session);
  const asked = useAsk("schemas", (signal) => api.get("/api/schemas", { signal }), 30_000);
  const counts = useCounts();
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState({ by: "name", down: false });
  const named = new Map<string, Schema[]>();
  for (const schema of asked.data?.data ?? []) named.set(schema.name, [...(named.get(schema.name) ?? []), schema]);
  const rows: Row[] = [...named].map(([name, versions]) => ({
    name,
    versions: versions.sort(newestFirst),
    counts: counts.data && (counts.data.of.get(name) ?? noCounts()),
  }));
  const wanted = search.toLowerCase();
  const shown = rows.filter((row) => row.name.toLowerCase().includes(wanted) || row.versions[0]?.topic.toLowerCase().includes(wanted));
  const rank: Record<string, (row: Row) => string | number> = {
    name: (row) => row.name.toLowerCase(),
    messages: (row) => row.counts?.messages ?? 0,
    rate: (row) => row.counts?.perMinute ?? 0,
    invalid: (row) => (row.counts?.messages ? row.counts.invalid / row.counts.messages : 0),
    letters: (row) => row.counts?.letters ?? 0,
  };
  const by = rank[sort.by] ?? rank.name!;
  shown.sort((a, b) => {
    const [x, y] = [by(a), by(b)];
    return (x < y ? -1 : x > y ? 1 : 0) * (sort.down ? -1 : 1);
  });
  const without = counts.data?.of.get("");
  if (without && wanted === "") shown.push({ name: "", versions: [], counts: without });

  const columns: Column<Row>[] = [
    {
      name: "name",
      title: "Schema",
      sorts: true,
      cell: (row) =>
        row.name === "" ? (
          <span className="dim">Topics without a schema</span>
        ) : (
          <span className="row">
            <Link to="schemas" query={{ schema: row.name }}><Text of={row.name} /></Link>
            {row.versions.map((one) => <Pill key={one.version}>{one.version}</Pill>)}
          </span>
        ),
    },
    { name: "topic", title: "Judges", cell: (row) => row.versions[0] && <code><Text of={row.versions[0].topic} max={200} /></code> },
    { name: "fields", title: "Fields", number: true, cell: (row) => row.versions[0] && count(row.versions[0].fields.length) },
    { name: "topics", title: "Topics", number: true, cell: (row) => row.counts && count(row.counts.topics) },
    { name: "messages", title: "Messages", number: true, sorts: true, cell: (row) => row.counts && count(row.counts.messages) },
    { name: "rate", title: "A minute", number: true, sorts: true, cell: (row) => row.counts && short(row.counts.perMinute) },
    {
      name: "invalid",
      title: "Refused",
      number: true,
      sorts: true,
      cell: (row) =>
        row.counts && (
          <span className={row.counts.invalid > 0 ? "schemas-refused" : "dim"}>
            {share(row.counts.invalid, row.counts.messages)}
            {row.counts.invalid > 0 && ` (${count(row.counts.invalid)})`}
          </span>
        ),
    },
    {
      name: "letters",
      title: "Dead letters",
      number: true,
      sorts: true,
      cell: (row) => {
        const letters = row.counts?.letters ?? 0;
        if (letters === 0) return <span className="dim">none</span>;
        const topic = row.versions[0]?.topic;
        return topic ? (
          <Link to="letters" query={{ topic }} aria-label={`${letters} dead letters of ${row.name}`}>{count(letters)}</Link>
        ) : (
          <Link to="letters">{count(letters)}</Link>
        );
      },
    },
  ];
  return (
    <>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {counts.problem && counts.problem.message !== asked.problem?.message && (
        <ProblemNote of={counts.problem} onRetry={counts.reload} />
      )}
      {counts.data?.isCut && <Note>The counts are of the first {count(topics_max)} topics.</Note>}
      {asked.data && rows.length === 0 ? (
        <Empty title="No schemas yet">
          <p>
            Without a schema every message is stored as it comes. A schema says which payloads are right and gives each value a name, a type
            and a unit. Draft one from the messages that have come, below, or write one: docs/schema.md.
          </p>
        </Empty>
      ) : (
        <Panel title="Schemas in force, counts since the gateway started" flush
          tools={rows.length >= filter_from && (
            <Field label="Search" bare type="search" placeholder="Search names and topics" value={search} onChange={(event) => setSearch(event.target.value)} />
          )}>
          {!asked.data && asked.loading ? (
            <Loading />
          ) : shown.length === 0 ? (
            <Empty title="No schema has this in its name or topics"><p>Search for less of it.</p></Empty>
          ) : (
            <Table caption="Schemas" columns={columns} rows={shown} keyOf={(row) => row.name} sort={sort}
              onSort={(name) => setSort({ by: name, down: sort.by === name ? !sort.down : name !== "name" })} />
          )}
        </Panel>
      )}
      <Which />
      {mayDo(who, "operator") && <Draft />}
    </>
  );
}
