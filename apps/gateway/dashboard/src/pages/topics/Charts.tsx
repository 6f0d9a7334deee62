// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo } from "react";
import { api, type AnswerOf } from "../../api/client";
import { AheadNote, useAhead } from "../../app/ahead";
import { clock, count, msOf, numbersOf } from "../../app/format";
import { useAsk, useColumns, useNow, useSize } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { gapOf, Met, overlap_ms } from "../../app/series";
import { Button, Choices, Empty, Loading, Note, ProblemNote, Text } from "../../ui";
import { Chart } from "../../ui/Chart";
import type { Arrivals } from "./TopicView";

const ranges = { "5m": 300, "15m": 900, "1h": 3600, "6h": 21_600, "1d": 86_400, "7d": 604_800 } as const;
type Range = keyof typeof ranges;
const options = Object.keys(ranges).map((value) => ({ value: value as Range, text: value }));
const series_max = 50;
const chart_min_px = 150, chart_part = 0.17; // of the window
const none = { records: [], at: [] };


/** All numbers of a topic over time, as they are stored and as they come. */
export function Charts({ topic, arrivals }: { topic: string; arrivals: Arrivals }) {
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
    columns === 0 ? null : `series ${topic} ${fixed ? `${from} ${to}` : range} ${columns}`,
    async (signal) => {
      const until = fixed ? to : Date.now();
      const answer = await api.get("/api/series", {
        query: {
          topic: [topic],
          start: new Date(until - span_ms).toISOString(),
          ...(fixed && { end: new Date(to).toISOString() }),
          downsample: columns,
          limit: series_max,
        },
        signal,
      });
      return { ...answer, at: Date.now() };
    },
    fixed ? 0 : 30_000, // what comes meanwhile is added
  );
  useEffect(() => {
    if (arrivals.turn > 0) asked.reload();
  }, [arrivals.turn]); // eslint-disable-line
  const charts = useMemo(() => joinedWith(asked.data, fixed ? none : arrivals, Date.now() - span_ms), [asked.data, arrivals, fixed, span_ms]);
  const ahead = useAhead(fixed ? null : { topic: [topic] });
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
      <AheadNote at={ahead} onShow={() => setState({ from: String(Math.floor(start)), to: String(Math.ceil(ahead! + 1000)) }, { replace: false })} />
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
                <span className="dim numbers topics-points">{one.rows > one.line.times.length ? `${count(one.line.times.length)} of ${count(one.rows)} values` : ""}</span>
              </h3>
              <Chart title={one.field} line={one.line} start={start} end={end} height={Math.max(chart_min_px, Math.round(window.innerHeight * chart_part))} unit={one.unit} sync="topic"
                onZoom={(a, b) => setState({ from: String(Math.floor(a)), to: String(Math.max(Math.floor(a) + 1, Math.ceil(b))) }, { replace: false })} />
            </section>
          ))}
        </div>
      )}
    </div>
  );
}

/** The stored points, and at their place in time those that came since. @param start  what lies before is not shown */
function joinedWith(answer: (AnswerOf<"/api/series"> & { at: number }) | undefined, arrivals: Pick<Arrivals, "records" | "at">, start: number) {
  const charts = new Map((answer?.data ?? []).map((one) => [one.field, { ...one, met: new Met(one.times, one.values), come: [] as [number, number][] }]));
  for (const [i, record] of arrivals.records.entries()) {
    const mayBeThere = answer !== undefined && arrivals.at[i]! < answer.at + overlap_ms;
    const time = msOf(record.timestamp);
    if (time < start) continue;
    for (const [field, value] of numbersOf(record.payload)) {
      let chart = charts.get(field);
      if (chart === undefined) {
        if (charts.size >= series_max) continue;
        const fresh = { topic: record.topic, device: record.device, schema: record.schema, field, unit: null, rows: 0, times: [], values: [] };
        charts.set(field, (chart = { ...fresh, met: new Met([], []), come: [] }));
      }
      // Of a thinned out answer, what is not in it may have been left out.
      const isLeftOut = chart.rows > chart.times.length && time < (chart.times.at(-1) ?? 0);
      if (!isLeftOut && !(mayBeThere && chart.met.meets(time, value))) chart.come.push([time, value]);
    }
  }
  return [...charts.values()]
    .sort((a, b) => (a.field < b.field ? -1 : 1))
    .map(({ field, unit, rows, times: stored, values: given, come }) => {
      const times: number[] = [], values: number[] = [];
      come.sort(([a], [b]) => a - b);
      for (let i = 0, k = 0; i < stored.length || k < come.length; ) {
        const [time, value] = come[k] ?? [Infinity, 0];
        if (i < stored.length && stored[i]! <= time) {
          times.push(stored[i]!);
          values.push(Number(given[i++]));
        } else {
          times.push(time);
          values.push(value);
          k += 1;
        }
      }
      const gap_ms = gapOf(times, 0, times.length, rows > stored.length ? (answer?.column_ms ?? 0) : 0);
      return { field, unit, rows: rows + come.length, line: { label: field, times, values, gap_ms } };
    });
}
