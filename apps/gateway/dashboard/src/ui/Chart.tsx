// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { clock, day, short } from "../app/format";
import { useSize } from "../app/hooks";
import { useStore } from "../app/store";
import { shownTheme, token } from "../app/theme";
import { Text } from "./Text";

export interface Line {
  label: string;
  /** Milliseconds since 1970, ascending. */
  times: readonly number[];
  values: readonly number[];
}
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

function joined(lines: readonly Line[]): uPlot.AlignedData {
  const one = lines[0];
  if (lines.length === 1 && one)
    return [one.times.map((t) => t / 1000), one.values as number[]];
  return uPlot.join(
    lines.map((line) => [line.times.map((t) => t / 1000), line.values as number[]]),
    lines.map(() => [0, 1]),
  );
}

/**
 * Lines over time, with the values at the pointer below. Dragging selects a time; with the
 * keyboard, where the chart is focused: arrows move along the points, Enter zooms in around them.
 * @param start, end  what is shown, milliseconds since 1970
 * @param onZoom  a time was selected
 */
export function Chart({ title, lines, start, end, height = 180, unit, onZoom, sync }: {
  title: string;
  lines: readonly Line[];
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
  const data = useMemo(() => joined(lines), [lines]);
  const latest = useRef({ data, start, end, onZoom });
  latest.current = { data, start, end, onZoom };
  const names = lines.map((one) => one.label).join("\n");
  const count = lines.length;

  useEffect(() => {
    if (box.current === null || size.width === 0) return;
    const dim = token("--dim"), line = token("--line");
    const font = `11px ${token("--font")}`;
    const axis = { stroke: dim, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const mine = new uPlot(
      {
        width: size.width,
        height,
        legend: { show: false },
        padding: [8, 8, 0, 0],
        scales: {
          x: { time: true, range: () => [latest.current.start / 1000, latest.current.end / 1000] },
        },
        axes: [
          { ...axis, size: 26, space: 70, values: timeMarks },
          { ...axis, size: 56, space: 32, values: (_, marks) => marks.map((m) => short(m)) },
        ],
        series: [
          {},
          ...Array.from({ length: count }, (_, i) => ({
            stroke: token(`--series-${colourOf(i)}`),
            width: 1.5,
            spanGaps: true,
            points: { size: 4, show: sparse },
          })),
        ],
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
              if (width < 4) return;
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
    return () => {
      mine.destroy();
      plot.current = null;
    };
  }, [box, size.width, height, names, count, shown, sync]);
  useEffect(() => plot.current?.setData(data), [data, start, end]);

  const readout = lines.map((line) => {
    if (at === null) return line.values.at(-1);
    const i = Math.max(0, before(line.times, at)), next = line.times[i + 1];
    return line.values[next !== undefined && next - at < at - line.times[i]! ? i + 1 : i]; // the nearer of two
  });
  const step = (by: number) => {
    const times = lines[0]?.times ?? [];
    const u = plot.current;
    if (u === null || times.length === 0) return;
    const now = at === null ? times.length : before(times, at);
    const to = times[Math.min(times.length - 1, Math.max(0, now + by))]!;
    keyed.current = to; // a pixel may have many points
    u.setCursor({ left: u.valToPos(to / 1000, "x"), top: 10 });
    keyed.current = null;
  };
  const summary = lines.map((line) => {
    if (line.values.length === 0) return `${line.label}: no points`;
    const low = line.values.reduce((a, b) => Math.min(a, b), Infinity);
    const high = line.values.reduce((a, b) => Math.max(a, b), -Infinity);
    return `${line.label}: ${line.values.length} points, from ${short(low)} to ${short(high)}, last ${short(line.values.at(-1)!)}`;
  });
  return (
    <figure className="chart">
      <div ref={box} className="chart-box" style={{ height }} role="img" tabIndex={0}
        aria-label={`${title}. ${summary.join(". ")}`}
        onKeyDown={(event) => {
          if (event.key === "ArrowLeft") step(event.shiftKey ? -10 : -1);
          else if (event.key === "ArrowRight") step(event.shiftKey ? 10 : 1);
          else if (event.key === "Enter" && at !== null) onZoom?.(at - (end - start) / 8, at + (end - start) / 8);
          else return;
          event.preventDefault();
        }} />
      <ul className="chart-key" aria-hidden="true">
        {lines.map((line, i) => (
          <li key={line.label}>
            <span className={`swatch series-${colourOf(i)}`} />
            <Text of={line.label} max={200} />
            <b>{readout[i] === undefined ? "–" : short(readout[i])}{unit ? ` ${unit}` : ""}</b>
          </li>
        ))}
        <li className="numbers">{at !== null && clock(at)}</li>
      </ul>
    </figure>
  );
}

function sparse(u: uPlot, _: number, from: number, to: number) {
  return to - from < u.bbox.width / devicePixelRatio / 8;
}
/** The day stands where it changes, so that the rest can be short. */
function timeMarks(_: uPlot, marks: number[]): string[] {
  const gap = (marks[1] ?? 0) - (marks[0] ?? 0);
  let before = "";
  return marks.map((mark) => {
    const ms = mark * 1000, text = clock(ms, ms), today = day(ms);
    const fresh = before !== "" && before !== today;
    before = today;
    if (gap >= 86_400 || fresh) return today;
    return gap < 60 ? text : text.slice(0, 5);
  });
}
