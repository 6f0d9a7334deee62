// SPDX-License-Identifier: Apache-2.0
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const units = ["B", "KB", "MB", "GB", "TB"];

export const count = (n: number) => whole.format(n);

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
export function* numbersOf(payload: unknown, path = "", depth = 0): Generator<[string, number]> {
  if (typeof payload === "number" || typeof payload === "boolean")
    yield [path === "" ? "value" : path, Number(payload)];
  else if (payload !== null && typeof payload === "object" && !Array.isArray(payload) && depth < 16)
    for (const [key, value] of Object.entries(payload))
      yield* numbersOf(value, path === "" ? key : `${path}.${key}`, depth + 1);
}

/** A payload in one line. */
export function brief(payload: unknown): string {
  if (typeof payload === "string") return payload;
  return JSON.stringify(payload) ?? "";
}
