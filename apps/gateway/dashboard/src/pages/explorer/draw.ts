// SPDX-License-Identifier: Apache-2.0
import type uPlot from "uplot";
import type { Track } from "./feed";
import type { Window } from "./query";

const dot_px = 2;
const hair_px = 1; // of close points: a browser without a graphics card draws it many times faster, upright lines most of all
/** A thick line of close points is a thin one that is drawn there too: a wider one takes eight times as long. */
const beside = [[hair_px, 0], [0, hair_px]] as const;
const path_max = 64; // columns of one path: long ones take more than their share of time
const sparse_px = 8; // points that have so much room are seen one by one
const faint = 0.65;

/** The least and the greatest value that are seen; null: nothing is. */
export function rangeOf(tracks: readonly Track[], { start, end }: Window): [number | null, number | null] {
  let low = Infinity, high = -Infinity;
  for (const one of tracks) {
    const { values } = one;
    for (let i = Math.max(one.from, one.at(start) - 1), to = one.at(end); i < to; ++i) {
      const value = values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low > high ? [null, null] : [low, high];
}

/**
 * Draws the points of a track that are in the window, and the lines to those beside it. Of many points in one
 * column of pixels, the first, the least, the greatest and the last: no more could be seen.
 */
export function drawLine(u: uPlot, scale: string, track: Track, of: {
  window: Window;
  colour: string;
  /** Of the line, in pixels. */
  width: number;
  dash: number[];
  faint: boolean;
  gap_ms: number;
}) {
  const { ctx } = u, ratio = devicePixelRatio, { times, values } = track, { gap_ms } = of;
  const low = u.scales[scale]?.min, high = u.scales[scale]?.max;
  const from = Math.max(track.from, track.at(of.window.start) - 1);
  const to = Math.min(track.to, track.at(of.window.end) + 1);
  if (low == null || high == null || from >= to) return;
  const { left, top, width, height } = u.bbox;
  const xs = width / (of.window.end - of.window.start), ys = height / (high - low);
  const x0 = left - of.window.start * xs, y0 = top + height + low * ys;
  const x = (i: number) => times[i]! * xs + x0;
  const y = (i: number) => y0 - values[i]! * ys;
  const dots: number[] = [];
  const showsAll = to - from < width / ratio / sparse_px;
  const isClose = (to - from) * 2 > width / ratio;
  const asBars = isClose && of.dash.length === 0;
  const isThick = of.width >= 2 * hair_px;
  ctx.strokeStyle = ctx.fillStyle = of.colour;
  ctx.globalAlpha = of.faint ? faint : 1;
  ctx.lineWidth = asBars || (isClose && !isThick) ? hair_px : of.width * ratio;
  ctx.lineJoin = "bevel";
  ctx.setLineDash(of.dash.map((one) => one * ratio));
  let path = new Path2D();
  const stroke = () => {
    ctx.stroke(path);
    if (asBars && isThick)
      for (const [right, down] of beside) {
        ctx.translate(right, down);
        ctx.stroke(path);
        ctx.translate(-right, -down);
      }
    path = new Path2D();
  };
  let isFirst = true; // behind a gap
  let columns = 0;
  let begin = from; // of the points without a gap between
  let x1 = 0, y1 = 0, top1 = 0, bottom1 = 0; // the last point of the column before, and its bar
  for (let i = from; i < to; ) {
    // Points of one column, up to a gap: those before its right edge.
    const column = Math.floor(x(i)), edge = (column + 1 - x0) / xs;
    let last = i, least = i, most = i, next = times[i + 1]!;
    while (last + 1 < to && next < edge && next - times[last]! <= gap_ms) {
      last += 1;
      const value = values[last]!;
      if (value < values[least]!) least = last;
      if (value > values[most]!) most = last;
      next = times[last + 1]!;
    }
    if (isFirst) begin = i;
    if (asBars) {
      const xi = x(i), yi = y(i), bottom = y(least), upper = y(most);
      if (!isFirst) {
        // Where the line passes from column to column: within both bars it is not seen.
        const pass = y1 + ((yi - y1) * (column - x1)) / (xi - x1);
        if (column - x1 > 1 || pass < top1 || pass > bottom1 || pass < upper || pass > bottom) {
          path.moveTo(x1, y1);
          path.lineTo(xi, yi);
        }
      }
      if (last !== i) {
        path.moveTo(column + 0.5, upper);
        path.lineTo(column + 0.5, bottom);
      }
      x1 = x(last);
      y1 = y(last);
      top1 = upper;
      bottom1 = bottom;
    } else {
      if (isFirst) path.moveTo(x(i), y(i));
      else path.lineTo(x(i), y(i));
      const one = Math.min(least, most), other = Math.max(least, most);
      if (one !== i && one !== last) path.lineTo(x(one), y(one));
      if (other !== i && other !== last && other !== one) path.lineTo(x(other), y(other));
      if (last !== i) path.lineTo(x(last), y(last));
    }
    isFirst = last + 1 >= to || next - times[last]! > gap_ms;
    // Points of one column between two gaps have no line.
    if (showsAll) for (let k = i; k <= last; ++k) dots.push(k);
    else if (isFirst && begin === i) dots.push(last);
    columns += 1;
    if (columns % path_max === 0 && of.dash.length === 0) {
      stroke();
      if (!asBars) path.moveTo(x(last), y(last));
    }
    i = last + 1;
  }
  stroke();
  ctx.setLineDash([]);
  if (dots.length > 0) {
    ctx.beginPath();
    for (const i of dots) {
      ctx.moveTo(x(i) + dot_px * ratio, y(i));
      ctx.arc(x(i), y(i), dot_px * ratio, 0, 2 * Math.PI);
    }
    ctx.fill();
  }
  ctx.globalAlpha = 1;
}
