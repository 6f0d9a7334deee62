// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { exact, figure, tickTexts, timeTexts } from "../../app/format";
import { useSize } from "../../app/hooks";
import { useStore } from "../../app/store";
import { shownTheme, token } from "../../app/theme";
import { Text } from "../../ui";
import { axisSize, beside_px, byTouch } from "../../ui/axes";
import { colourOf } from "../../ui/Chart";
import { drawLine, rangeOf } from "./draw";
import type { Axis, Feed, Track } from "./feed";

const colours = 8;
const thin_px = 1.25, thick_px = 2.5;
const drag_min = 5; // pixels
const keys_max = 24; // lines that are named below; the table of statistics names all
/** What a key does to the window: its start and its end move by these parts of its width. */
const moves: Record<string, [number, number]> = {
  "+": [0.25, -0.25], "=": [0.25, -0.25], "-": [-0.5, 0.5], PageUp: [-0.5, -0.5], PageDown: [0.5, 0.5],
};

/**
 * Lines of one or two units over time; the units have their axes left and right. Dragging selects a time. With the
 * keyboard: arrows go along the points, + and - zoom, Page up and Page down move by half of what is seen.
 * @param gap_ms  no line joins points that are further apart; undefined: as each series has them
 */
export function Plot({ feed, axes, names, order, version, height, gap_ms, onZoom }: {
  feed: Feed;
  axes: readonly Axis[];
  names: ReadonlyMap<Track, string>;
  /** The number of a series is that of its colour. */
  order: ReadonlyMap<string, number>;
  version: number;
  height: number;
  gap_ms: number | undefined;
  onZoom?: ((start: number, end: number) => void) | undefined;
}) {
  const [box, size] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const keyed = useRef<number | null>(null);
  const theme = useStore(shownTheme);
  const latest = useRef({ axes, order, gap_ms, onZoom });
  latest.current = { axes, order, gap_ms, onZoom };
  const shape = axes.map((one) => one.name).join("\n");

  useEffect(() => {
    if (box.current === null || size.width === 0) return;
    const dim = token("--dim");
    const palette = Array.from({ length: colours }, (_, i) => token(`--series-${i + 1}`));
    const axis = { stroke: dim, font: `11px ${token("--font")}`, ticks: { show: false } };
    const grid = { stroke: token("--line"), width: 1 };
    const scales = latest.current.axes.map((_, i) => `y${i}`);
    const data = (): uPlot.AlignedData => {
      const { start, end } = feed.window;
      return [
        [start / 1000, end / 1000],
        ...latest.current.axes.map((one) => rangeOf([...one.tracks, ...past(one)], feed.window)),
      ];
    };
    const past = (one: Axis) => {
      const keys = new Set(one.tracks.map((track) => track.key));
      return feed.before.filter((track) => keys.has(track.key));
    };
    const mine = new uPlot(
      {
        width: size.width,
        height,
        legend: { show: false },
        padding: [8, scales.length > 1 ? 0 : beside_px, 0, 0],
        scales: {
          x: { time: true, range: () => [feed.window.start / 1000, feed.window.end / 1000] },
          ...Object.fromEntries(scales.map((one) => [one, { auto: true }])),
        },
        axes: [
          { ...axis, grid, size: 26, space: 76, values: (_, marks) => timeTexts(marks) },
          ...scales.map((scale, i) => ({
            ...axis,
            scale,
            side: (i === 0 ? 3 : 1) as 1 | 3,
            size: axisSize,
            space: 32,
            grid: i === 0 ? grid : { show: false },
            values: (_: uPlot, marks: number[]) => tickTexts(marks),
          })),
        ],
        // The lines are drawn below, from arrays that change in place: uPlot has the axes and the pointer.
        series: [{}, ...scales.map((scale) => ({ scale, paths: () => null, points: { show: false } }))],
        cursor: {
          sync: { key: "explorer", setSeries: false },
          drag: { x: true, y: false, setScale: false },
          points: { show: false },
        },
        hooks: {
          draw: [
            (u) => {
              const { left, top, width, height: high } = u.bbox;
              u.ctx.save();
              u.ctx.beginPath();
              u.ctx.rect(left, top, width, high);
              u.ctx.clip();
              latest.current.axes.forEach((one, i) => {
                for (const [tracks, isPast] of [[past(one), true], [one.tracks, false]] as const)
                  for (const track of tracks) {
                    const number = latest.current.order.get(track.key) ?? 0;
                    drawLine(u, `y${i}`, track, {
                      window: feed.window,
                      colour: palette[number % colours]!,
                      width: number < colours || isPast ? thin_px : thick_px, // a colour that comes again is a thicker line
                      dash: isPast ? [6, 4] : [],
                      faint: isPast,
                      gap_ms: latest.current.gap_ms ?? track.gap_ms,
                    });
                  }
              });
              u.ctx.restore();
            },
          ],
          setCursor: [
            (u) => {
              const left = u.cursor.left ?? -1;
              setAt(keyed.current ?? (left < 0 ? null : u.posToVal(left, "x") * 1000));
            },
          ],
          setSelect: [
            (u) => {
              const { left, width } = u.select;
              if (width < drag_min) return;
              latest.current.onZoom?.(u.posToVal(left, "x") * 1000, u.posToVal(left + width, "x") * 1000);
              u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      data(),
      box.current,
    );
    plot.current = mine;
    byTouch(mine, drag_min);
    const stop = feed.listen(() => mine.setData(data()));
    return () => {
      stop();
      mine.destroy();
      plot.current = null;
    };
  }, [box, size.width, height, shape, theme, feed]);
  useEffect(() => feed.changed(), [feed, gap_ms, version]);

  const tracks = axes.flatMap((one) => one.tracks.map((track) => ({ track, unit: track.unit })));
  const step = (by: number) => {
    const track = tracks[0]?.track, u = plot.current;
    if (u === null || !track || track.length === 0) return;
    const now = at === null ? track.to : Math.max(track.from - 1, track.before(at));
    const time = track.times[Math.min(track.to - 1, Math.max(track.from, now + by))]!;
    keyed.current = time; // a pixel may have many points
    u.setCursor({ left: u.valToPos(time / 1000, "x"), top: 10 });
    keyed.current = null;
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { start, end } = feed.window, width = end - start;
    const move = moves[event.key];
    if (event.key === "ArrowLeft") step(event.shiftKey ? -10 : -1);
    else if (event.key === "ArrowRight") step(event.shiftKey ? 10 : 1);
    else if (event.key === "Enter" && at !== null) onZoom?.(at - width / 8, at + width / 8);
    else if (move && onZoom) onZoom(start + move[0] * width, end + move[1] * width);
    else return;
    event.preventDefault();
  };
  const newest = (track: Track) => {
    const i = track.before(feed.window.end);
    return i < 0 ? track.to - 1 : i;
  };
  const valueAt = (track: Track) => {
    if (track.length === 0) return "–";
    // Without a pointer the newest that is seen: a clock may be ahead.
    let i = at === null ? newest(track) : Math.max(track.from, track.before(at));
    if (at !== null && i + 1 < track.to && track.times[i + 1]! - at < at - track.times[i]!) i += 1; // the nearer of two
    return figure(track.values[i]!);
  };
  const label = tracks.slice(0, keys_max)
    .map(({ track }) => `${names.get(track)}: ${track.length} points, last ${track.length ? figure(track.values[newest(track)]!) : "none"}`)
    .join(". ");
  return (
    <figure className="chart">
      {axes.length > 1 && (
        <p className="explorer-axes dim"><span>← <Text of={axes[0]!.name} max={40} /></span><span><Text of={axes[1]!.name} max={40} /> →</span></p>
      )}
      <div ref={box} className="chart-box explorer-box" style={{ height }} role="img" tabIndex={0} aria-label={`Chart. ${label}`} onKeyDown={onKeyDown} />
      <ul className="chart-key" aria-hidden="true">
        {tracks.slice(0, keys_max).map(({ track, unit }) => (
          <li key={track.key}>
            <span className={`swatch series-${colourOf(order.get(track.key) ?? 0)}`} />
            <Text of={names.get(track) ?? track.field} max={200} />
            <b>{valueAt(track)}{unit && <> <Text of={unit} max={40} /></>}</b>
          </li>
        ))}
        {tracks.length > keys_max && <li>and {tracks.length - keys_max} more: see the statistics</li>}
        <li className="numbers">{at !== null && exact(at)}</li>
      </ul>
    </figure>
  );
}
