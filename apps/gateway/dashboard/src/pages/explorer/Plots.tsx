// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "react";
import { chartsOf, namesOf, type Feed } from "./feed";
import { Plot } from "./Plot";
import { spanOf } from "./query";

/** The names and the colours of the series. */
export function useNames(feed: Feed) {
  return useMemo(() => ({
    names: namesOf(feed.tracks),
    order: new Map(feed.tracks.map((one, i) => [one.key, i])),
    charts: chartsOf(feed.tracks),
  }), [feed.tracks]);
}

/** All series of a query: a chart for each two units. @param gaps  as it stands in the address */
export function Plots({ feed, version, height, gaps, onZoom }: {
  feed: Feed;
  version: number;
  height: number;
  gaps: string;
  onZoom?: (start: number, end: number) => void;
}) {
  const { names, order, charts } = useNames(feed);
  const gap_ms = gaps === "never" ? Infinity : spanOf(gaps);
  return (
    <div className="stack">
      {charts.map((axes) => (
        <Plot key={axes.map((one) => one.name).join("\n")} feed={feed} axes={axes} names={names} order={order} version={version}
          height={height} gap_ms={gap_ms} onZoom={onZoom} />
      ))}
    </div>
  );
}
