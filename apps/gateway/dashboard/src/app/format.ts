// SPDX-License-Identifier: Apache-2.0
import { written } from "./json";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const small = new Intl.NumberFormat("en", { maximumSignificantDigits: 5 });
const fractions = Array.from({ length: 13 }, (_, digits) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: 0, maximumFractionDigits: digits }));
const fixed = Array.from({ length: 13 }, (_, digits) =>
  new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const units = ["B", "KB", "MB", "GB", "TB"];

export const count = (n: number) => whole.format(n);
/** "1 segment", "2 segments" */
export const counted = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

const exponent_from = 1e15; // a double has hardly more digits than that
const exponent_below = 1e-4;

/** A value that was measured or calculated: 12,345,678.9, 21.3333, 0.00123, 1.5e-7. */
export function figure(n: number): string {
  const size = Math.abs(n);
  if (!Number.isFinite(n)) return String(n);
  if (size === 0) return "0";
  if (size >= exponent_from || size < exponent_below) return String(Number(n.toPrecision(5)).toExponential());
  if (size < 1) return small.format(n);
  return fractions[Math.max(2, 5 - Math.floor(Math.log10(size)))]!.format(n);
}

/** The texts of an axis' marks: as many digits as tell neighbours apart. */
export function tickTexts(marks: readonly number[]): string[] {
  const step = marks.length > 1 ? Math.abs(marks[1]! - marks[0]!) : 0;
  const most = Math.max(...marks.map(Math.abs));
  if (step === 0) return marks.map(figure);
  if (most >= exponent_from || step < 1e-7) {
    const digits = Math.min(15, Math.max(0, Math.floor(Math.log10(most)) - Math.floor(Math.log10(step)) + 1));
    return marks.map((mark) => (mark === 0 ? "0" : Number(mark.toPrecision(digits + 1)).toExponential()));
  }
  const unit = most >= 1e7 && step >= 1e5 ? 1e6 : 1;
  const part = step / unit;
  let digits = Math.max(0, -Math.floor(Math.log10(part) + 1e-9));
  while (digits < 12 && Math.abs(part * 10 ** digits - Math.round(part * 10 ** digits)) > 1e-3) digits += 1;
  return marks.map((mark) => fixed[digits]!.format(mark / unit) + (unit === 1 ? "" : " M"));
}

/** A number with three digits that count: 0.25, 12.3, 1,234. */
export function short(n: number): string {
  const size = Math.abs(n);
  if (size >= 1e6) return `${(n / 1e6).toFixed(size >= 1e7 ? 0 : 1)} M`;
  if (size >= 100) return whole.format(n);
  if (size >= 10) return n.toFixed(1);
  if (size === 0) return "0";
  return size >= 0.005 ? n.toFixed(2) : n.toExponential(1);
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
  if (fine && Math.abs(ms) < 10_000) return `${Math.round(ms)} ms`;
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 100) return `${s} s`;
  if (s < 6000) return `${Math.round(s / 60)} min`;
  if (s < 48 * 3600) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86_400)} d`;
}

const two = (n: number) => String(n).padStart(2, "0");
/** "14:03:07", with the date where it is not today's. */
export function clock(ms: number, now = Date.now()): string {
  const t = new Date(ms);
  const text = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return new Date(now).toDateString() === t.toDateString()
    ? text
    : `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${text}`;
}
/** Milliseconds since 1970 of a time in the API's text, with its fraction as /api/series has it. */
export function msOf(time: string): number {
  const fraction = /\.(\d{3})(\d+)/.exec(time);
  const ms = Date.parse(time);
  return fraction ? Number(`${ms}.${fraction[2]}`) : ms;
}

const days = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });
/** "Mar 1" */
export const day = (ms: number) => days.format(ms);
/** With milliseconds, and with microseconds where there are any. */
export function exact(ms: number): string {
  const us = Math.round((ms - Math.floor(ms)) * 1000);
  return `${clock(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}${us > 0 && us < 1000 ? String(us).padStart(3, "0") : ""}`;
}

/** The texts of a time axis' marks, which are seconds. The day stands where it changes, so that the rest can be short. */
export function timeTexts(marks: readonly number[]): string[] {
  const gap = (marks[1] ?? 0) - (marks[0] ?? 0);
  let before = "";
  return marks.map((mark) => {
    const ms = mark * 1000, text = clock(ms, ms), today = day(ms);
    const fresh = before !== "" && before !== today;
    before = today;
    if (gap >= 300 * 86_400) return String(new Date(ms).getFullYear());
    if (gap >= 86_400 || fresh) return today;
    if (gap > 0 && gap < 1) return `${text.slice(3)}.${String(Math.round(ms) % 1000).padStart(3, "0")}`;
    return gap < 60 ? text : text.slice(0, 5);
  });
}

/**
 * Numbers of a payload by path, as /api/series names them: "a.b"; a bare number is "value". What
 * is in arrays, or is beyond a double, does not count; booleans are 0 and 1. The third is the number with all of its digits.
 */
export function* numbersOf(payload: unknown, path = "", depth = 0): Generator<[string, number, number | bigint]> {
  const name = path === "" ? "value" : path;
  if (typeof payload === "number" || typeof payload === "bigint" || typeof payload === "boolean") {
    const exact = typeof payload === "boolean" ? Number(payload) : payload;
    if (Number.isFinite(Number(exact))) yield [name, Number(exact), exact];
  } else if (payload !== null && typeof payload === "object" && !Array.isArray(payload) && depth < 16)
    for (const [key, value] of Object.entries(payload))
      yield* numbersOf(value, path === "" ? key : `${path}.${key}`, depth + 1);
}

/** A payload in one line. */
export function brief(payload: unknown): string {
  return typeof payload === "string" ? payload : written(payload);
}
