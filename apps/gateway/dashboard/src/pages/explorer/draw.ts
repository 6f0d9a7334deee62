// SPDX-License-Identifier: Apache-2.0
import type uPlot from "uplot";
import type { Track } from "./feed";
import type { Window } from "./query";

const dot_px = 2;
const hair_px = 1; // of close points: a browser without a graphics card draws it many times faster
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
  ctx.strokeStyle = ctx.fillStyle = of.colour;
  ctx.globalAlpha = of.faint ? faint : 1;
  const isClose = (to - from) * 2 > width / ratio;
  ctx.lineWidth = isClose && of.width < 2 * hair_px ? hair_px : of.width * ratio;
  ctx.lineJoin = "bevel";
  ctx.setLineDash(of.dash.map((one) => one * ratio));
  ctx.beginPath();
  let isFirst = true; // behind a gap
  let columns = 0;
  let begin = from; // of the points without a gap between
  for (let i = from; i < to; ) {
    // Points of one column, up to a gap: those before its right edge.
    const edge = (Math.floor(x(i)) + 1 - x0) / xs;
    let last = i, least = i, most = i, next = times[i + 1]!;
    while (last + 1 < to && next < edge && next - times[last]! <= gap_ms) {
      last += 1;
      const value = values[last]!;
      if (value < values[least]!) least = last;
      if (value > values[most]!) most = last;
      next = times[last + 1]!;
    }
    if (isFirst) {
      begin = i;
      ctx.moveTo(x(i), y(i));
    } else ctx.lineTo(x(i), y(i));
    const one = Math.min(least, most), other = Math.max(least, most);
    if (one !== i && one !== last) ctx.lineTo(x(one), y(one));
    if (other !== i && other !== last && other !== one) ctx.lineTo(x(other), y(other));
    if (last !== i) ctx.lineTo(x(last), y(last));
    isFirst = last + 1 >= to || next - times[last]! > gap_ms;
    // A point between two gaps has no line.
    if (showsAll) for (let k = i; k <= last; ++k) dots.push(k);
    else if (isFirst && begin === last) dots.push(last);
    columns += 1;
    if (columns % path_max === 0 && of.dash.length === 0) {
      ctx.stroke();
      ctx.beginPath();
      ctx.moveTo(x(last), y(last));
    }
    i = last + 1;
  }
  ctx.stroke();
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
