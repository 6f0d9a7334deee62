// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { api } from "../../api/client";
import { count, figure } from "../../app/format";
import { useAsk } from "../../app/hooks";
import { Panel, Table, Text, type Column } from "../../ui";
import { colourOf } from "../../ui/Chart";
import { factsOf, type Facts, type Feed, type Track } from "./feed";
import { selectionOf, textOf, type Chosen } from "./query";

const numbers = ["min", "max", "mean", "first", "last"] as const;
const titles = { min: "Least", max: "Greatest", mean: "Mean", first: "First", last: "Last" };
const fields_max = 20; // of one question
type Row = Facts & { name: string };

/** Facts over each series; the columns sort. */
export function Stats({ feed, chosen, names, order, version }: {
  feed: Feed;
  chosen: Chosen;
  names: ReadonlyMap<Track, string>;
  order: ReadonlyMap<string, number>;
  version: number;
}) {
  const [sort, setSort] = useState({ by: "max", down: true });
  // Where points were left out, the gateway calculates the mean over all.
  const thin = [...new Set(feed.tracks.filter((one) => !one.whole).map((one) => one.field))].slice(0, fields_max);
  const asked = useAsk(
    thin.length === 0 ? null : `means ${textOf({ ...chosen, view: "chart" })} ${feed.window.start} ${thin.join()}`,
    (signal) => api.get("/api/data", {
      query: {
        ...selectionOf({ ...chosen, fields: [] }, feed.window),
        agg: thin.map((one) => `avg(${one})`).join(","),
        by: "topic",
      },
      signal,
    }),
  );
  const means = useMemo(() => {
    const rows = (asked.data?.data ?? []) as unknown as Record<string, unknown>[];
    return new Map(rows.map((row) => [String(row.topic), row]));
  }, [asked.data]);
  const rows = useMemo(() => {
    const all = feed.tracks.flatMap((track): Row[] => {
      const facts = factsOf(track, feed.window);
      if (facts === null) return [];
      const mean = facts.mean ?? means.get(track.topic)?.[`avg_${track.field}`];
      return [{ ...facts, mean: typeof mean === "number" ? mean : undefined, name: names.get(track) ?? track.field }];
    });
    const value = (row: Row) => row[sort.by as "rows" | (typeof numbers)[number]] ?? -Infinity;
    const sign = sort.down ? -1 : 1;
    return all.sort((a, b) => sign * (sort.by === "name" ? (a.name < b.name ? -1 : 1) : value(a) - value(b)));
  }, [feed, version, means, names, sort]); // eslint-disable-line
  const columns: Column<Row>[] = [
    {
      name: "name", title: "Series", sorts: true,
      cell: (row) => (
        <span className="explorer-series">
          <span className={`swatch series-${colourOf(order.get(row.track.key) ?? 0)}`} />
          <Text of={row.name} max={300} />
        </span>
      ),
    },
    ...numbers.map((name): Column<Row> => ({
      name, title: titles[name], number: true, sorts: true,
      cell: (row) => (row[name] === undefined ? "–" : figure(row[name])),
    })),
    { name: "unit", title: "Unit", cell: (row) => (row.track.unit === null ? "" : <Text of={row.track.unit} max={40} />) },
    { name: "rows", title: "Rows", number: true, sorts: true, cell: (row) => count(row.rows) },
  ];
  return (
    <Panel title="Statistics" flush>
      <Table caption="Statistics of each series" columns={columns} rows={rows} keyOf={(row) => row.track.key} sort={sort}
        onSort={(by) => setSort((was) => ({ by, down: was.by === by ? !was.down : by !== "name" }))} />
    </Panel>
  );
}
