// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { exact, figure, tickTexts, timeTexts } from "../app/format";
import { useSize } from "../app/hooks";
import { useStore } from "../app/store";
import { shownTheme, token } from "../app/theme";
import { axisSize, beside_px, byTouch } from "./axes";
import { Text } from "./Text";

export interface Line {
  label: string;
  /** Milliseconds since 1970, ascending. */
  times: readonly number[];
  values: readonly number[];
  /** No line joins points that are further apart. */
  gap_ms: number;
}
const drag_min = 5; // pixels
const colours = 8;
export const colourOf = (i: number) => (i % colours) + 1;

/** The last entry that is not later than the time; -1: there is none. */
function before(times: readonly number[], time: number): number {
  let low = 0, high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** As uPlot wants it, with nothing at all in each gap. */
function drawn({ times, values, gap_ms }: Line): uPlot.AlignedData {
  const xs: number[] = [], ys: (number | null)[] = [];
  for (let i = 0; i < times.length; ++i) {
    const time = times[i]!, last = times[i - 1];
    if (last !== undefined && time - last > gap_ms) {
      xs.push((last + time) / 2000);
      ys.push(null);
    }
    xs.push(time / 1000);
    ys.push(values[i]!);
  }
  return [xs, ys];
}

/**
 * A line over time, with the value at the pointer below. Dragging selects a time; with the
 * keyboard, where the chart is focused: arrows move along the points, Enter zooms in around them.
 * @param start, end  what is shown, milliseconds since 1970
 * @param onZoom  a time was selected
 */
export function Chart({ title, line, start, end, height = 180, unit, onZoom, sync }: {
  title: string;
  line: Line;
  start: number;
  end: number;
  height?: number;
  unit?: string | null | undefined;
  onZoom?: ((start: number, end: number) => void) | undefined;
  /** Charts with the same name move their pointers together. */
  sync?: string;
}) {
  const [box, size] = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const keyed = useRef<number | null>(null); // the time that the keyboard has gone to
  const shown = useStore(shownTheme);
  const data = useMemo(() => drawn(line), [line]);
  const latest = useRef({ data, start, end, onZoom });
  latest.current = { data, start, end, onZoom };

  useEffect(() => {
    if (box.current === null || size.width === 0) return;
    const dim = token("--dim");
    const font = `11px ${token("--font")}`;
    const axis = { stroke: dim, font, grid: { stroke: token("--line"), width: 1 }, ticks: { show: false } };
    const mine = new uPlot(
      {
        width: size.width,
        height,
        legend: { show: false },
        padding: [8, beside_px, 0, 0],
        scales: {
          x: { time: true, range: () => [latest.current.start / 1000, latest.current.end / 1000] },
        },
        axes: [
          { ...axis, size: 26, space: 70, values: (_, marks) => timeTexts(marks) },
          { ...axis, size: axisSize, space: 24, values: (_, marks) => tickTexts(marks) },
        ],
        series: [{}, { stroke: token("--series-1"), width: 1.5, points: { size: 4, show: sparse } }],
        cursor: {
          ...(sync ? { sync: { key: sync, setSeries: false } } : {}),
          drag: { x: true, y: false, setScale: false },
          points: { size: 6 },
        },
        hooks: {
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
      latest.current.data,
      box.current,
    );
    plot.current = mine;
    byTouch(mine, drag_min);
    return () => {
      mine.destroy();
      plot.current = null;
    };
  }, [box, size.width, height, shown, sync]);
  useEffect(() => plot.current?.setData(data), [data, start, end]);

  const { times, values } = line;
  // Without a pointer the newest that is seen: a clock may be ahead.
  const newest = before(times, end) < 0 ? times.length - 1 : before(times, end);
  const near = at === null ? -1 : Math.max(0, before(times, at)), next = times[near + 1];
  const read = at === null ? newest : next !== undefined && next - at < at - times[near]! ? near + 1 : near; // the nearer of two
  const step = (by: number) => {
    const u = plot.current;
    if (u === null || times.length === 0) return;
    const now = at === null ? times.length : before(times, at);
    const to = times[Math.min(times.length - 1, Math.max(0, now + by))]!;
    keyed.current = to; // a pixel may have many points
    u.setCursor({ left: u.valToPos(to / 1000, "x"), top: 10 });
    keyed.current = null;
  };
  const low = values.reduce((a, b) => Math.min(a, b), Infinity), high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const summary = values.length === 0 ? "no points"
    : `${values.length} points, from ${figure(low)} to ${figure(high)}, last ${figure(values[newest]!)}`;
  return (
    <figure className="chart">
      <div ref={box} className="chart-box" style={{ height }} role="img" tabIndex={0}
        aria-label={`${title}. ${line.label}: ${summary}`}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") step(event.shiftKey ? -10 : -1);
          else if (event.key === "ArrowRight") step(event.shiftKey ? 10 : 1);
          else if (event.key === "Enter" && at !== null) onZoom?.(at - (end - start) / 8, at + (end - start) / 8);
          else return;
          event.preventDefault();
        }} />
      <ul className="chart-key" aria-hidden="true">
        <li>
          <span className="swatch series-1" />
          <Text of={line.label} max={200} />
          <b>{values[read] === undefined ? "–" : figure(values[read])}{unit && <> <Text of={unit} max={40} /></>}</b>
        </li>
        <li className="numbers">{at !== null && exact(times[read] ?? at)}</li>
      </ul>
    </figure>
  );
}

function sparse(u: uPlot, _: number, from: number, to: number) {
  return to - from < u.bbox.width / devicePixelRatio / 8;
}
