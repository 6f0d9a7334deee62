// SPDX-License-Identifier: Apache-2.0
// Numbers over time: where lines break, and which of those that come live are there already.

const gap_factor = 5;
const gap_columns = 2; // of a series of which some points came: its points lie so close at most
const sample = 2000;

/**
 * From which distance of two points on there is a gap.
 * @param column_ms  width of the columns that points were left out of; 0: none were
 */
export function gapOf(times: ArrayLike<number>, from: number, to: number, column_ms: number): number {
  const points = to - from, step = Math.max(1, Math.floor(points / sample));
  const distances = new Float64Array(Math.ceil(Math.max(0, points - 1) / step));
  for (let i = from + 1, k = 0; i < to; i += step, ++k) distances[k] = times[i]! - times[i - 1]!;
  distances.sort();
  // Of points at one time the distance is none.
  const first = distances.findIndex((one) => one > 0);
  if (first < 0 || distances.length < 3) return Infinity;
  return Math.max(gap_factor * distances[first + ((distances.length - first) >> 1)]!, gap_columns * column_ms);
}

/** So long after an answer may come live what is in it; what comes later is new, also with a time and a value that are there. */
export const overlap_ms = 2000;

/** Points of an answer, each of which one that came live may be. Two messages may have one time and one value. */
export class Met {
  private readonly times: readonly number[];
  private readonly values: readonly (number | bigint)[];
  private readonly counts = new Map<string, number>();
  constructor(times: readonly number[], values: readonly (number | bigint)[]) {
    this.times = times;
    this.values = values;
  }
  /** Whether this one is among them, and was not met before. */
  meets(time: number, value: number): boolean {
    const { times, values } = this;
    if (times.length === 0 || time > times.at(-1)!) return false;
    let low = 0, high = times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle]! < time) low = middle + 1;
      else high = middle;
    }
    let same = 0;
    for (let i = low; times[i] === time; ++i) if (Number(values[i]) === value) same += 1;
    if (same === 0) return false;
    const key = `${time} ${value}`, met = this.counts.get(key) ?? 0;
    if (met === same) return false;
    this.counts.set(key, met + 1);
    return true;
  }
}
