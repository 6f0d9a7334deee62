// SPDX-License-Identifier: Apache-2.0
import { writeJson } from "./json";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const units = ["B", "KB", "MB", "GB", "TB"];

export const count = (n: number) => whole.format(n);
/** "1 segment", "2 segments" */
export const counted = (n: number, what: string) => `${count(n)} ${what}${n === 1 ? "" : "s"}`;

/** A rate, with three digits that count: 0.25, 12.3, 1,234. */
export function short(n: number): string {
  const size = Math.abs(n);
  if (size >= 1e6) return `${(n / 1e6).toFixed(size >= 1e7 ? 0 : 1)} M`;
  if (size >= 100) return whole.format(n);
  if (size >= 10) return n.toFixed(1);
  if (size === 0) return "0";
  return size >= 0.005 ? n.toFixed(2) : n.toExponential(1);
}

const huge = 1e21, tiny = 1e-6; // beyond them with an exponent
const formats = new Map<string, Intl.NumberFormat>();
function format(n: number, options: Intl.NumberFormatOptions): string {
  const key = JSON.stringify(options);
  let of = formats.get(key);
  if (of === undefined) formats.set(key, (of = new Intl.NumberFormat("en", options)));
  return of.format(n);
}
/** @param digits  that count, at least; `behind` of them behind the point */
function rounded(n: number, digits: number, behind: number): string {
  const size = Math.abs(n);
  if (size >= huge || (size < tiny && size > 0)) return String(Number(n.toPrecision(digits)));
  const before = size < 1 ? 0 : Math.floor(Math.log10(size)) + 1;
  return format(n, { maximumSignificantDigits: Math.min(17, Math.max(digits, before + behind)) });
}
/** A value as somebody has measured it: a whole one with all its digits, another with nine that count. */
export function measured(n: number | bigint): string {
  if (typeof n === "bigint") return whole.format(n);
  return Number.isInteger(n) && Math.abs(n) < huge ? whole.format(n) : rounded(n, 9, 3);
}
/** A value that was calculated, as a mean: six digits that count. */
export const calculated = (n: number) => rounded(n, 6, 2);

const million = 1e6;
/** Ticks of an axis, with as many digits as tell each from the next. */
export function ticks(marks: readonly number[]): string[] {
  const steps = marks.slice(1).map((mark, i) => Math.abs(mark - marks[i]!)).filter((one) => one > 0);
  if (steps.length === 0) return marks.map(measured);
  const step = Math.min(...steps), most = Math.max(...marks.map(Math.abs));
  // 2.5 needs a digit more than 2.
  const digits = (size: number) => {
    const place = Math.floor(Math.log10(size) + 1e-9), lead = size / 10 ** place;
    return -place + (Math.abs(lead - Math.round(lead)) > 1e-6 ? 1 : 0);
  };
  if (most >= 1e12 || most < 1e-3)
    return marks.map((mark) => (mark === 0 ? "0" : mark.toExponential(Math.min(17, Math.max(0, digits(step) + Math.floor(Math.log10(Math.abs(mark))))))));
  const isGreat = step >= million / 10;
  const behind = Math.min(12, Math.max(0, digits(isGreat ? step / million : step)));
  const fixed = { minimumFractionDigits: behind, maximumFractionDigits: behind };
  return marks.map((mark) => (isGreat && mark !== 0 ? `${format(mark / million, fixed)} M` : format(mark, fixed)));
}

export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${units[unit]}`;
}

/** A span: "4 s", "12 min", "3 h", "5 d". @param fine  below 10 s in milliseconds */
export function span(ms: number, fine = false): string {
  if (fine && Math.abs(ms) < 10_000) return `${Math.abs(ms) < 10 ? Number(ms.toFixed(2)) : Math.round(ms)} ms`;
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

const two = (n: number) => String(n).padStart(2, "0");
/** Milliseconds since 1970 with their fraction, of a time with nanoseconds: as /api/series gives it, bit by bit. */
export function msOf(time: string): number {
  const ms = Date.parse(time), rest = /\.\d{3}(\d+)/.exec(time)?.[1];
  return rest === undefined ? ms : Number(`${ms}.${rest}`);
}
/** A nanosecond later. */
export function behind(time: string): string {
  const [, whole = time, fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? [];
  const ns = Number(fraction.padEnd(9, "0")) + 1;
  return ns < 1e9 ? `${whole}.${String(ns).padStart(9, "0")}Z` : new Date(Date.parse(`${whole}Z`) + 1000).toISOString();
}
/** "14:03:07", with the date where it is not today's. */
export function clock(ms: number, now = Date.now()): string {
  const t = new Date(ms);
  const text = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return new Date(now).toDateString() === t.toDateString()
    ? text
    : `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${text}`;
}
const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
/** "Mar 1" */
export const day = (ms: number) => days.format(ms);
/** With milliseconds. */
export const exact = (ms: number) =>
  `${clock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;

/**
 * Numbers of a payload by path, as /api/series names them: "a.b"; a bare number is "value". What
 * is in arrays does not count; booleans are 0 and 1.
 */
export function* numbersOf(payload: unknown, path = "", depth = 0): Generator<[string, number | bigint]> {
  if (typeof payload === "bigint" || Number.isFinite(payload)) yield [path === "" ? "value" : path, payload as number | bigint];
  else if (typeof payload === "boolean") yield [path === "" ? "value" : path, Number(payload)];
  else if (payload !== null && typeof payload === "object" && !Array.isArray(payload) && depth < 16)
    for (const [key, value] of Object.entries(payload))
      yield* numbersOf(value, path === "" ? key : `${path}.${key}`, depth + 1);
}

/** A payload in one line. */
export const brief = (payload: unknown): string => (typeof payload === "string" ? payload : writeJson(payload));
