// SPDX-License-Identifier: Apache-2.0
import type uPlot from "uplot";
import type { Track } from "./feed";
import type { Window } from "./query";

const width_px = 1.5;
const dot_px = 2;
const sparse_px = 8; // points that have so much room are seen one by one
const faint = 0.65;

/** The least and the greatest value that are seen; null: nothing is. */
export function rangeOf(tracks: readonly Track[], { start, end }: Window): [number | null, number | null] {
  let low = Infinity, high = -Infinity;
  for (const one of tracks)
    for (let i = Math.max(one.from, one.at(start) - 1), to = one.at(end); i < to; ++i) {
      const value = one.values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
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
  dash: number[];
  faint: boolean;
  gap_ms: number;
}) {
  const { ctx } = u, ratio = devicePixelRatio;
  const low = u.scales[scale]?.min, high = u.scales[scale]?.max;
  const from = Math.max(track.from, track.at(of.window.start) - 1);
  const to = Math.min(track.to, track.at(of.window.end) + 1);
  if (low == null || high == null || from >= to) return;
  const { left, top, width, height } = u.bbox;
  const xs = width / (of.window.end - of.window.start), ys = height / (high - low);
  const x = (i: number) => left + (track.times[i]! - of.window.start) * xs;
  const y = (i: number) => top + height - (track.values[i]! - low) * ys;
  const dots: number[] = [];
  const showsAll = to - from < width / ratio / sparse_px;
  ctx.strokeStyle = ctx.fillStyle = of.colour;
  ctx.globalAlpha = of.faint ? faint : 1;
  ctx.lineWidth = width_px * ratio;
  ctx.lineJoin = "round";
  ctx.setLineDash(of.dash.map((one) => one * ratio));
  ctx.beginPath();
  let begin = from; // of the points without a gap between
  for (let i = from; i < to; ) {
    // Points of one column, up to a gap.
    const column = Math.floor(x(i));
    let last = i, least = i, most = i;
    while (last + 1 < to && Math.floor(x(last + 1)) === column && track.times[last + 1]! - track.times[last]! <= of.gap_ms) {
      last += 1;
      if (track.values[last]! < track.values[least]!) least = last;
      if (track.values[last]! > track.values[most]!) most = last;
    }
    const isFirst = i === from || track.times[i]! - track.times[i - 1]! > of.gap_ms;
    if (isFirst) {
      begin = i;
      ctx.moveTo(x(i), y(i));
    } else ctx.lineTo(x(i), y(i));
    for (const between of least < most ? [least, most] : [most, least])
      if (between !== i && between !== last) ctx.lineTo(x(between), y(between));
    if (last !== i) ctx.lineTo(x(last), y(last));
    const endsHere = last + 1 >= to || track.times[last + 1]! - track.times[last]! > of.gap_ms;
    // A point between two gaps has no line.
    if (showsAll) for (let k = i; k <= last; ++k) dots.push(k);
    else if (endsHere && begin === last) dots.push(last);
    i = last + 1;
  }
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  for (const i of dots) {
    ctx.moveTo(x(i) + dot_px * ratio, y(i));
    ctx.arc(x(i), y(i), dot_px * ratio, 0, 2 * Math.PI);
  }
  ctx.fill();
  ctx.globalAlpha = 1;
}
