// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "react";
import { count, exact } from "../../app/format";
import { Note, Panel, Scroller, Text } from "../../ui";
import type { Feed, Track } from "./feed";

const row_px = 28;

/** The points of the chart, the newest first. */
export function Points({ feed, names, version }: { feed: Feed; names: ReadonlyMap<Track, string>; version: number }) {
  const rows = useMemo(() => {
    const out: { time: number; value: string; track: Track }[] = [];
    for (const track of feed.tracks)
      for (let i = track.at(feed.window.start), to = track.at(feed.window.end); i < to; ++i)
        out.push({ time: track.times[i]!, value: track.textOf(i), track });
    return out.sort((a, b) => b.time - a.time);
  }, [feed, version]); // eslint-disable-line
  const all = feed.tracks.reduce((sum, one) => sum + (one.whole ? 0 : one.rows - one.length), 0) + rows.length;
  return (
    <Panel title="Points" flush tools={<span className="dim numbers">{count(rows.length)}</span>}>
      {feed.tracks.some((one) => !one.whole) && (
        <Note><p>
          These are {count(rows.length)} of about {count(all)} values: of each column of pixels the first, the least, the greatest and the
          last. Choose a shorter time to see all, or export them.
        </p></Note>
      )}
      <div role="table" aria-label="Points, the newest first" aria-rowcount={rows.length + 1}>
        <div role="row" className="explorer-point explorer-point-head">
          <span role="columnheader">Time</span><span role="columnheader">Series</span><span role="columnheader">Value</span>
        </div>
        <Scroller className="explorer-points" role="rowgroup" aria-label="Points" count={rows.length} rowHeight={row_px}
          render={(i) => {
            const { time, value, track } = rows[i]!;
            return (
              <div key={i} role="row" aria-rowindex={i + 2} className="explorer-point">
                <span role="cell" className="numbers">{exact(time)}</span>
                <span role="cell"><Text of={names.get(track) ?? track.field} max={200} /></span>
                <span role="cell" className="numbers">{value}{track.unit && <span className="dim"> <Text of={track.unit} max={40} /></span>}</span>
              </div>
            );
          }} />
      </div>
    </Panel>
  );
}
