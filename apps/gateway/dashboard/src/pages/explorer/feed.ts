// SPDX-License-Identifier: Apache-2.0
// The numbers of some series, in arrays that are changed in place as new ones come.
import type { AnswerOf } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { measured, msOf, numbersOf } from "../../app/format";
import type { Chosen, Window } from "./query";

type Answer = AnswerOf<"/api/series">;
type Series = Answer["data"][number];
/** The page reads whole numbers that a double cannot hold as BigInts. */
type Numbers = Pick<Series, "topic" | "field" | "unit" | "rows" | "times"> & { values: readonly (number | bigint)[] };

const gap_factor = 5;
const gap_columns = 2; // of a series of which some points came: its points lie so close at most
const sample = 2000;
export const series_max = 50;
const live_points_max = 50_000; // then it is asked again, and what is shown is thinned out
const name_parts = "\u0000";
const came_min = 1000; // so many are not worth clearing up
const pointOf = (time: number, value: number) => `${time} ${value}`;

export class Track {
  readonly key: string;
  readonly topic: string;
  readonly field: string;
  readonly unit: string | null;
  rows: number;
  times: Float64Array;
  values: Float64Array;
  /** The points are those from `from` to before `to`. */
  from = 0;
  to: number;
  /** Milliseconds between points from which on there is a gap. */
  gap_ms = Infinity;
  /** All rows of the window are here, none was left out. */
  whole: boolean;
  private readonly column_ms: number;
  private judged = 0; // points when the gap was last found
  /** The last point of the answer. */
  private readonly stored: number;
  /** Whole numbers that a double does not hold, by point. */
  private readonly exact = new Map<string, bigint>();
  /** What came live: its times and values, and how many of each. */
  private came: { time: number; value: number | bigint }[] = [];
  private readonly counts = new Map<string, number>();

  constructor(of: Numbers, column_ms: number, shift = 0) {
    this.key = of.topic + name_parts + of.field;
    this.topic = of.topic;
    this.field = of.field;
    this.unit = of.unit;
    this.rows = of.rows;
    this.times = new Float64Array(of.times);
    if (shift !== 0) for (let i = 0; i < this.times.length; ++i) this.times[i]! += shift;
    this.to = this.times.length;
    this.values = new Float64Array(this.to);
    for (let i = 0; i < this.to; ++i) {
      const value = of.values[i]!;
      this.values[i] = Number(value);
      this.keep(this.times[i]!, value);
    }
    this.whole = of.rows <= this.to;
    this.column_ms = column_ms;
    this.stored = this.last;
    this.judge();
  }

  get length() {
    return this.to - this.from;
  }
  get last() {
    return this.length === 0 ? -Infinity : this.times[this.to - 1]!;
  }
  textAt(i: number): string {
    const value = this.values[i]!;
    return measured(Math.abs(value) > Number.MAX_SAFE_INTEGER ? (this.exact.get(pointOf(this.times[i]!, value)) ?? value) : value);
  }

  /**
   * A value that came live, at its place in time. Those of one time are told apart by how many there are: one that the
   * answer has already is not taken again, another of the same time is.
   * @returns whether it is a new point
   */
  add(time: number, value: number | bigint): boolean {
    const point = pointOf(time, Number(value)), came = (this.counts.get(point) ?? 0) + 1;
    this.counts.set(point, came);
    this.came.push({ time, value });
    let there = 0, at = this.at(time);
    for (; at < this.to && this.times[at] === time; ++at) if (this.values[at] === Number(value)) there += 1;
    if (came <= there) return false;
    this.insert(at, time, Number(value));
    this.keep(time, value);
    // Where points were left out it cannot be said whether this is one of them.
    if (this.whole || time > this.stored) this.rows += 1;
    return true;
  }
  /** Takes what came live to another track of the same series. @param all  also where points of then were left out */
  addFrom(other: Track, all: boolean) {
    for (const { time, value } of other.came) if (all || this.whole || time >= this.stored) this.add(time, value);
  }

  /** Leaves out what lies before, but for one point: the line comes from there. */
  trim(start: number) {
    while (this.length > 1 && this.times[this.from + 1]! < start) this.from += 1;
    if (this.came.length < came_min || this.came[0]!.time >= start) return;
    this.came = this.came.filter((one) => one.time >= start);
    this.counts.clear();
    for (const { time, value } of this.came) {
      const point = pointOf(time, Number(value));
      this.counts.set(point, (this.counts.get(point) ?? 0) + 1);
    }
  }

  /** The first point that is not before; `to` when there is none. */
  at(time: number): number {
    let low = this.from, high = this.to;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  /** The last point that is not after the time; -1: there is none. */
  before(time: number): number {
    let i = this.at(time);
    while (i + 1 < this.to && this.times[i + 1] === time) i += 1;
    if (i < this.to && this.times[i] === time) return i;
    i -= 1;
    return i >= this.from ? i : -1;
  }

  private keep(time: number, value: number | bigint) {
    if (typeof value === "bigint") this.exact.set(pointOf(time, Number(value)), value);
  }
  private insert(at: number, time: number, value: number) {
    const behind = this.to - at;
    if (this.to === this.times.length) this.makeRoom();
    const i = this.to - behind;
    this.times.copyWithin(i + 1, i, this.to);
    this.values.copyWithin(i + 1, i, this.to);
    this.times[i] = time;
    this.values[i] = value;
    this.to += 1;
    if (this.length >= 2 * Math.max(this.judged, 2)) this.judge();
  }

  private makeRoom() {
    const points = this.length;
    if (this.from > this.times.length / 2) {
      this.times.copyWithin(0, this.from, this.to);
      this.values.copyWithin(0, this.from, this.to);
    } else {
      const room = Math.max(256, points * 2);
      const times = new Float64Array(room), values = new Float64Array(room);
      times.set(this.times.subarray(this.from, this.to));
      values.set(this.values.subarray(this.from, this.to));
      this.times = times;
      this.values = values;
    }
    this.from = 0;
    this.to = points;
  }

  private judge() {
    this.judged = this.length;
    const step = Math.max(1, Math.floor(this.length / sample));
    const distances = new Float64Array(Math.ceil(Math.max(0, this.length - 1) / step));
    for (let i = this.from + 1, k = 0; i < this.to; i += step, ++k) distances[k] = this.times[i]! - this.times[i - 1]!;
    distances.sort();
    const median = distances[distances.length >> 1];
    this.gap_ms = median === undefined || distances.length < 3 ? Infinity
      : Math.max(gap_factor * median, this.whole ? 0 : gap_columns * this.column_ms);
  }
}

/** What one chart, its table and its statistics share. */
export class Feed {
  tracks: Track[] = [];
  /** The same query a span before, its times moved to now's. */
  before: Track[] = [];
  window: Window = { start: 0, end: 1 };
  /** There are more series than these. */
  more = false;
  /** Too much has come to be held as it is. */
  isFull = false;
  private known = new Map<string, Track>();
  private readonly listeners = new Set<() => void>();
  private frame = 0;
  private arrived = 0;

  /** Calls back before the next frame that is drawn after a change. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  changed() {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.listeners.forEach((one) => one());
    });
  }

  /** @param keep  what came live and is not in the answer stays */
  load(answer: Answer, keep: boolean) {
    const old = this.known, wasFull = this.isFull;
    this.tracks = answer.data.map((one) => new Track(one, answer.column_ms ?? 0));
    this.known = new Map(this.tracks.map((one) => [one.key, one]));
    this.more = answer.more;
    this.arrived = 0;
    this.isFull = false;
    if (keep)
      for (const [key, was] of old) {
        const now = this.known.get(key);
        now?.addFrom(was, !wasFull);
      }
    this.changed();
  }
  loadBefore(answer: Answer | null, shift: number) {
    this.before = answer === null ? [] : answer.data.map((one) => new Track(one, answer.column_ms ?? 0, shift));
    this.changed();
  }

  /** @returns whether a series came that was not there */
  take(records: readonly LiveRecord[], chosen: Chosen): boolean {
    let fresh = false;
    for (const record of records) {
      const time = msOf(record.timestamp);
      for (const [field, value] of numbersOf(record.payload)) {
        if (chosen.fields.length > 0 && !chosen.fields.includes(field)) continue;
        const key = record.topic + name_parts + field;
        const track = this.known.get(key);
        if (track === undefined) {
          // Its unit is the schema's: the API is asked.
          if (this.tracks.length < series_max) fresh = true;
          continue;
        }
        if (track.add(time, value)) this.arrived += 1;
      }
    }
    this.isFull = this.arrived > live_points_max;
    this.changed();
    return fresh;
  }

  /** The window moves. */
  show(window: Window) {
    if (window.start === this.window.start && window.end === this.window.end) return;
    this.window = window;
    for (const one of this.tracks) one.trim(window.start);
    this.changed();
  }
}

/** What tells series apart: the topic, the field, or both. */
export function namesOf(tracks: readonly Track[]): Map<Track, string> {
  const topics = new Set(tracks.map((one) => one.topic)).size;
  const fields = new Set(tracks.map((one) => one.field)).size;
  return new Map(tracks.map((one) =>
    [one, fields === 1 ? one.topic : topics === 1 ? one.field : `${one.topic} ${one.field}`]));
}

export interface Axis {
  /** The unit, or the field where it has none. */
  name: string;
  tracks: Track[];
}
/** Series of one unit share an axis; a chart has two axes at most. */
export function chartsOf(tracks: readonly Track[]): Axis[][] {
  const axes = new Map<string, Axis>();
  for (const one of tracks) {
    const key = one.unit === null ? `field ${one.field}` : `unit ${one.unit}`;
    const axis = axes.get(key);
    if (axis) axis.tracks.push(one);
    else axes.set(key, { name: one.unit ?? one.field, tracks: [one] });
  }
  const all = [...axes.values()];
  const out: Axis[][] = [];
  for (let i = 0; i < all.length; i += 2) out.push(all.slice(i, i + 2));
  return out;
}

export interface Fact {
  value: number;
  text: string;
}
export interface Facts {
  track: Track;
  rows: number;
  min: Fact;
  max: Fact;
  first: Fact;
  last: Fact;
  /** Of the points that are here: undefined where some were left out. */
  mean: number | undefined;
}
/** Over the points in the window. First, last, least and greatest are never left out. */
export function factsOf(track: Track, window: Window): Facts | null {
  const from = track.at(window.start), to = track.at(window.end), { values } = track;
  if (from >= to) return null;
  let min = from, max = from, sum = 0;
  for (let i = from; i < to; ++i) {
    const value = values[i]!;
    if (value < values[min]!) min = i;
    if (value > values[max]!) max = i;
    sum += value;
  }
  const at = (i: number): Fact => ({ value: values[i]!, text: track.textAt(i) });
  return {
    track,
    rows: track.whole ? to - from : track.rows,
    min: at(min),
    max: at(max),
    first: at(from),
    last: at(to - 1),
    mean: track.whole ? sum / (to - from) : undefined,
  };
}
