// SPDX-License-Identifier: Apache-2.0
// The numbers of some series, in arrays that are changed in place as new ones come.
import type { AnswerOf } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { msOf, numbersOf } from "../../app/format";
import { gapOf, Met, overlap_ms } from "../../app/series";
import type { Chosen, Window } from "./query";

type Answer = AnswerOf<"/api/series">;
type Series = Answer["data"][number];

export const series_max = 50;
const stored_after_ms = 60_000;
const live_points_max = 50_000; // then it is asked again, and what is shown is thinned out
const name_parts = "\u0000";

/** A number that came live. */
interface Come {
  key: string;
  time: number;
  value: number | bigint;
  /** When it came. */
  at: number;
}

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
  private readonly made = Date.now();
  private readonly met: Met;
  private readonly answered: number; // the last time of the answer
  private readonly digits = new Map<string, string>(); // of whole numbers beyond 2^53
  private judged = 0; // points when the gap was last found

  constructor(of: Pick<Series, "topic" | "field" | "unit" | "rows" | "times" | "values">, column_ms: number, shift = 0) {
    this.key = of.topic + name_parts + of.field;
    this.topic = of.topic;
    this.field = of.field;
    this.unit = of.unit;
    this.rows = of.rows;
    this.times = new Float64Array(of.times);
    if (shift !== 0) for (let i = 0; i < this.times.length; ++i) this.times[i]! += shift;
    this.values = new Float64Array(of.values.length);
    for (let i = 0; i < of.values.length; ++i) this.values[i] = this.rounded(this.times[i]!, of.values[i]!);
    this.met = new Met(of.times, of.values);
    this.answered = of.times.at(-1) ?? -Infinity;
    this.to = this.times.length;
    this.whole = of.rows <= this.to;
    this.column_ms = column_ms;
    this.judge();
  }

  get length() {
    return this.to - this.from;
  }

  private rounded(time: number, value: number | bigint): number {
    const near = Number(value);
    if (typeof value === "bigint") this.digits.set(`${time} ${near}`, String(value));
    return near;
  }
  /** A value with all of its digits. */
  textOf(i: number): string {
    const value = this.values[i]!;
    return (!Number.isSafeInteger(value) && this.digits.get(`${this.times[i]} ${value}`)) || String(value);
  }

  /**
   * Adds what came live at its place in time, unless the answer has it.
   * @param at  when it came
   * @param start  what lies before is not shown
   */
  put({ time, value: exact, at }: Come, start: number) {
    const value = this.rounded(time, exact);
    if (time < start || (at < this.made + overlap_ms && this.met.meets(time, value))) return;
    if (!this.whole && time < this.answered) return; // it may be one of those that were left out
    if (this.to === this.times.length) this.makeRoom();
    let i = this.to;
    while (i > this.from && this.times[i - 1]! > time) i -= 1;
    if (i < this.to) {
      this.times.copyWithin(i + 1, i, this.to);
      this.values.copyWithin(i + 1, i, this.to);
    }
    this.times[i] = time;
    this.values[i] = value;
    this.to += 1;
    this.rows += 1;
    if (this.length >= 2 * Math.max(this.judged, 2)) this.judge();
  }
  /** The answer has this one, or one that is newer. */
  reaches(time: number) {
    return this.answered >= time;
  }

  /** Leaves out what lies before, but for one point: the line comes from there. */
  trim(start: number) {
    while (this.length > 1 && this.times[this.from + 1]! < start) this.from += 1;
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
    if (i < this.to && this.times[i] === time) return i;
    i -= 1;
    return i >= this.from ? i : -1;
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
    this.gap_ms = gapOf(this.times, this.from, this.to, this.whole ? 0 : this.column_ms);
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
  private come: Come[] = [];

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

  /** What came live and is not in the answer stays. */
  load(answer: Answer, window: Window) {
    this.tracks = answer.data.map((one) => new Track(one, answer.column_ms ?? 0));
    this.known = new Map(this.tracks.map((one) => [one.key, one]));
    this.more = answer.more;
    this.isFull = false;
    // What came some time ago is stored: only a store that is behind has not got it.
    const since = Date.now() - stored_after_ms;
    this.come = this.come.filter((one) => one.at > since || this.known.get(one.key)?.reaches(one.time) === false);
    for (const one of this.come) this.known.get(one.key)?.put(one, window.start);
    this.show(window);
    this.changed();
  }
  /** Another query begins. */
  forget() {
    this.come = [];
  }
  loadBefore(answer: Answer | null, shift: number) {
    this.before = answer === null ? [] : answer.data.map((one) => new Track(one, answer.column_ms ?? 0, shift));
    this.changed();
  }

  /**
   * Takes what came live.
   * @param isShown  an answer is here, which it is added to; else it waits for one
   * @returns whether a series came that was not there
   */
  take(records: readonly LiveRecord[], chosen: Chosen, isShown: boolean): boolean {
    let fresh = false;
    const at = Date.now();
    for (const record of records) {
      const time = msOf(record.timestamp);
      for (const [field, , value] of numbersOf(record.payload)) {
        const key = record.topic + name_parts + field;
        const one: Come = { key, time, value, at };
        this.come.push(one);
        if (!isShown || (chosen.fields.length > 0 && !chosen.fields.includes(field))) continue;
        const track = this.known.get(key);
        if (track !== undefined) track.put(one, this.window.start);
        // Its unit is the schema's: the API is asked.
        else if (this.tracks.length < series_max && time >= this.window.start) fresh = true;
      }
    }
    this.isFull = this.come.length > live_points_max;
    if (this.come.length > 2 * live_points_max) this.come.splice(0, live_points_max);
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

export interface Facts {
  track: Track;
  rows: number;
  min: number;
  max: number;
  first: number;
  last: number;
  /** Of the points that are here: undefined where some were left out. */
  mean: number | undefined;
}
/** Over the points in the window. First, last, least and greatest are never left out. */
export function factsOf(track: Track, window: Window): Facts | null {
  const from = track.at(window.start), to = track.at(window.end);
  if (from >= to) return null;
  let min = Infinity, max = -Infinity, sum = 0;
  for (let i = from; i < to; ++i) {
    const value = track.values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  return {
    track,
    rows: track.whole ? to - from : track.rows,
    min,
    max,
    first: track.values[from]!,
    last: track.values[to - 1]!,
    mean: track.whole ? sum / (to - from) : undefined,
  };
}
