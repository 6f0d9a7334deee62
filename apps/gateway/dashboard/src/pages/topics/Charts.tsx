// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "react";
import { api, type AnswerOf } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { clock, count, numbersOf } from "../../app/format";
import { useAsk, useColumns, useNow, useSize } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Loading, Note, ProblemNote, Text } from "../../ui";
import { Chart } from "../../ui/Chart";

const ranges = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "1d": 86_400, "7d": 604_800 } as const;
type Range = keyof typeof ranges;
const options = Object.keys(ranges).map((value) => ({ value: value as Range, text: value }));
const series_max = 50;
type Series = AnswerOf<"/api/series">["data"][number];

/** All numbers of a topic over time, as they are stored and as they come. */
export function Charts({ topic, arrivals, gaps }: { topic: string; arrivals: readonly LiveRecord[]; gaps: number }) {
  const [state, setState] = useQueryState({ range: "15m", from: "", to: "" });
  const [box, size] = useSize<HTMLDivElement>();
  const range: Range = state.range in ranges ? (state.range as Range) : "15m";
  const from = Number(state.from), to = Number(state.to);
  const fixed = state.from !== "" && from > 0 && to > from;
  const now = useNow();
  const span_ms = fixed ? to - from : ranges[range] * 1000;
  const end = fixed ? to : now, start = end - span_ms;
  const columns = useColumns(size.width, 100);
  const asked = useAsk(
    columns === 0 ? null : `series ${topic} ${fixed ? `${from} ${to}` : range} ${columns} ${gaps}`,
    (signal) => {
      const until = fixed ? to : Date.now();
      return api.get("/api/series", {
        query: {
          topic: [topic],
          start: new Date(until - span_ms).toISOString(),
          ...(fixed && { end: new Date(to).toISOString() }),
          downsample: columns,
          limit: series_max,
        },
        signal,
      });
    },
    fixed ? 0 : 30_000, // what comes meanwhile is added
  );
  const charts = useMemo(() => joinedWith(asked.data?.data ?? [], fixed ? [] : arrivals), [asked.data, arrivals, fixed]);
  const live = (change: { range?: string }) => setState({ from: "", to: "", ...change });
  return (
    <div ref={box} className="stack">
      <div className="row">
        <Choices label="Time" options={options} value={fixed ? ("" as Range) : range} onChange={(value) => live({ range: value })} />
        {fixed && (
          <>
            <span className="numbers">{clock(from)} to {clock(to)}</span>
            <Button icon="live" onClick={() => live({})}>Back to now</Button>
          </>
        )}
        <span className="dim">Drag over a chart to look closer</span>
      </div>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {asked.data?.more && <Note><p>This topic has more than {series_max} numbers: these are the first by name.</p></Note>}
      {asked.data === undefined && !asked.problem ? (
        <Loading what="Asking for the numbers" />
      ) : charts.length === 0 ? (
        asked.data !== undefined && (
          <Empty title="No numbers in this time">
            <p>The topic had no message with a number in it. Choose a longer time, or look at its messages.</p>
            <Button onClick={() => setState({ range: "7d", from: "", to: "" })}>Show 7 days</Button>
          </Empty>
        )
      ) : (
        <div className="topics-charts">
          {charts.map((one) => (
            <section key={one.field} className="panel topics-chart">
              <h3>
                <Text of={one.field} max={200} /> {one.unit && <span className="dim"><Text of={one.unit} max={40} /></span>}
                <span className="dim numbers topics-points">{one.rows > one.lines[0]!.times.length ? `${count(one.lines[0]!.times.length)} of ${count(one.rows)} values` : ""}</span>
              </h3>
              <Chart title={one.field} lines={one.lines} start={start} end={end} height={150} unit={one.unit} sync="topic"
                onZoom={(a, b) => setState({ from: String(Math.floor(a)), to: String(Math.max(Math.floor(a) + 1, Math.ceil(b))) }, { replace: false })} />
            </section>
          ))}
        </div>
      )}
    </div>
  );
}

/** The stored points, and behind the last of each those that came since. */
function joinedWith(stored: readonly Series[], arrivals: readonly LiveRecord[]) {
  const charts = new Map(
    stored.map((one) => [one.field, { field: one.field, unit: one.unit, rows: one.rows, times: [...one.times], values: [...one.values] }]),
  );
  for (const record of arrivals) {
    const time = Date.parse(record.timestamp);
    for (const [field, value] of numbersOf(record.payload)) {
      let chart = charts.get(field);
      if (chart === undefined) {
        if (charts.size >= series_max) continue;
        charts.set(field, (chart = { field, unit: null, rows: 0, times: [], values: [] }));
      }
      // The API's times have fractions of milliseconds, which the text here has lost.
      if (time <= Math.floor(chart.times.at(-1) ?? -Infinity)) continue;
      chart.times.push(time);
      chart.values.push(value);
    }
  }
  return [...charts.values()]
    .sort((a, b) => (a.field < b.field ? -1 : 1))
    .map(({ times, values, ...rest }) => ({ ...rest, lines: [{ label: rest.field, times, values }] }));
}
