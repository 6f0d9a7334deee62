// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "react";
import { clock, count } from "../../app/format";
import { useColumns, useSize } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Loading, Note, ProblemNote, RefusedNote, Text } from "../../ui";
import { AheadNote } from "../explorer/Ahead";
import { series_max } from "../explorer/feed";
import { Plot, smallHeight } from "../explorer/Plot";
import { chosenOf, type Chosen } from "../explorer/query";
import { useFeed } from "../explorer/useFeed";
import "../explorer/explorer.css";

const ranges = ["5m", "15m", "1h", "6h", "1d", "7d"];
const options = ranges.map((value) => ({ value, text: value }));
const time_max = 8.64e15; // of a Date

/** Charts of all numbers of a topic, as they are stored and as they come. */
export function Charts({ topic }: { topic: string }) {
  const [state, setState] = useQueryState({ range: "15m", from: "", to: "" });
  const [box, size] = useSize<HTMLDivElement>();
  const columns = useColumns(size.width, 100);
  const range = ranges.includes(state.range) ? state.range : "15m";
  const from = Number(state.from), to = Number(state.to);
  const fixed = state.from !== "" && from > 0 && to > from && to < time_max;
  const chosen = useMemo((): Chosen => ({
    ...chosenOf(new URLSearchParams()),
    topics: [topic],
    ...(fixed ? { start: new Date(from).toISOString(), end: new Date(to).toISOString() } : { start: range, live: true }),
  }), [topic, fixed, from, to, range]);
  const { feed, version, ready, problem, refused, reload } = useFeed(chosen, columns);
  const charts = useMemo(() => feed.tracks.map((track) => ({
    track,
    axes: [{ name: track.unit ?? track.field, tracks: [track] }],
    names: new Map([[track, track.field]]),
    order: new Map([[track.key, 0]]),
  })), [feed.tracks]);
  const zoom = (start: number, end: number) => {
    const first = Math.floor(start);
    setState({ from: String(first), to: String(Math.max(first + 1, Math.ceil(end))) }, { replace: false });
  };
  const live = (change: { range?: string }) => setState({ from: "", to: "", ...change });
  return (
    <div ref={box} className="stack">
      <div className="row">
        <Choices label="Time" options={options} value={fixed ? "" : range} onChange={(value) => live({ range: value })} />
        {fixed && (
          <>
            <span className="numbers">{clock(from)} to {clock(to)}</span>
            <Button icon="live" onClick={() => live({})}>Back to now</Button>
          </>
        )}
        <span className="dim">Drag to look closer, tap to read a value</span>
      </div>
      {problem && <ProblemNote of={problem} onRetry={reload} />}
      <RefusedNote why={refused} />
      <AheadNote chosen={chosen} feed={feed} onShow={zoom} />
      {feed.more && ready && <Note><p>This topic has more than {series_max} numbers: these are the first by name.</p></Note>}
      {!ready ? (
        !problem && <Loading what="Asking for the numbers" />
      ) : charts.length === 0 ? (
        !problem && (
          <Empty title="No numbers in this time">
            <p>The topic had no message with a number in it. Choose a longer time, or look at its messages.</p>
            <Button onClick={() => live({ range: "7d" })}>Show 7 days</Button>
          </Empty>
        )
      ) : (
        <div className="topics-charts">
          {charts.map(({ track, ...rest }) => (
            <section key={track.key} className="panel topics-chart">
              <h3>
                <Text of={track.field} max={200} /> {track.unit && <span className="dim"><Text of={track.unit} max={40} /></span>}
                <span className="dim numbers topics-points">{track.whole ? "" : `${count(track.length)} of ${count(track.rows)} values`}</span>
              </h3>
              <Plot {...rest} title={track.field} feed={feed} version={version} height={smallHeight()} gap_ms={undefined} onZoom={zoom} />
            </section>
          ))}
        </div>
      )}
    </div>
  );
}
