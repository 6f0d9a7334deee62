// SPDX-License-Identifier: Apache-2.0
// A payload that a schema accepts, made of its fields. Comparisons between fields and functions are
// not looked at: the gateway says what is wrong with it then.
import { fieldsOf, ruleOf, type Json, type Schema } from "./document";

type Bag = Record<string, Json>;
const numberOr = (value: Json, fallback: number | undefined) => {
  const n = typeof value === "string" ? Number(value) : value;
  return typeof n === "number" && Number.isFinite(n) ? n : fallback;
};

function aNumber(spec: Bag, whole: boolean): number {
  const over = numberOr(ruleOf(spec, "exclusive_min"), undefined);
  const under = numberOr(ruleOf(spec, "exclusive_max"), undefined);
  const low = numberOr(ruleOf(spec, "min"), over);
  const high = numberOr(ruleOf(spec, "max"), under);
  let value = whole ? 1 : 1.5;
  if (low !== undefined && high !== undefined) value = low + (high - low) / 2;
  else if (low !== undefined) value = low + 1;
  else if (high !== undefined) value = Math.min(value, high - 1);
  const rounded = whole ? Math.floor(value) : Number(value.toPrecision(4));
  return (low ?? -Infinity) <= rounded && rounded <= (high ?? Infinity) ? rounded : value;
}

const classes: Record<string, string> = { d: "1", w: "a", s: " ", D: "a", W: "-", S: "a" };
/** The shortest text that a simple regular expression matches; null where it is not simple. */
export function textFor(pattern: string): string | null {
  let at = 0;
  let steps = 0;
  const one = (): string | null => {
    const c = pattern[at++];
    if (c === "\\") {
      const next = pattern[at++] ?? "";
      return classes[next] ?? (/[a-zA-Z0-9]/.test(next) ? null : next);
    }
    if (c === "[") {
      const end = pattern.indexOf("]", at + 1);
      if (end < 0 || pattern[at] === "^") return null;
      const body = pattern.slice(at, end);
      at = end + 1;
      return body[0] === "\\" ? (classes[body[1] ?? ""] ?? body[1] ?? null) : (body[0] ?? null);
    }
    if (c === "(") {
      if (pattern.startsWith("?:", at)) at += 2;
      const inner = all();
      if (inner === null || pattern[at] === undefined) return null;
      while (at < pattern.length && pattern[at] !== ")") at += 1; // other choices
      at += 1;
      return inner;
    }
    return c === "." ? "a" : (c ?? null);
  };
  const all = (): string | null => {
    let out = "";
    while (at < pattern.length && !")|".includes(pattern[at]!)) {
      if (++steps > 500) return null;
      if ("^$".includes(pattern[at]!)) {
        at += 1;
        continue;
      }
      const part = one();
      if (part === null) return null;
      const count = /^(?:\{(\d+)(?:,\d*)?\}|[*+?])\??/.exec(pattern.slice(at));
      let times = 1;
      if (count !== null) {
        at += count[0].length;
        times = count[1] !== undefined ? Math.min(Number(count[1]), 200) : count[0][0] === "+" ? 1 : 0;
      }
      out += part.repeat(times);
    }
    return out;
  };
  const text = all();
  try {
    return text !== null && new RegExp(pattern).test(text) ? text : null;
  } catch {
    return null;
  }
}

function aText(spec: Bag): string {
  const low = numberOr(ruleOf(spec, "min_length"), 0)!;
  const pattern = ruleOf(spec, "pattern");
  const text = (typeof pattern === "string" ? textFor(pattern) : null) ?? "text";
  const high = numberOr(ruleOf(spec, "max_length"), Infinity)!;
  return typeof pattern === "string" ? text : text.padEnd(Math.min(low, 1000), "t").slice(0, high);
}

function aTime(spec: Bag, format: Json): Json {
  const now = Date.now();
  switch (ruleOf(spec, "time_format") ?? format) {
    case "s":
      return Math.floor(now / 1000);
    case "ms":
      return now;
    case "us":
      return now * 1000;
    case "ns":
      return now * 1_000_000;
    default:
      return new Date(now).toISOString();
  }
}

function valueFor(spec: Bag, onlyRequired: boolean, format: Json, depth: number): Json {
  const among = ruleOf(spec, "enum");
  if (spec.default !== undefined) return spec.default;
  if (Array.isArray(among) && among.length > 0) return among[0];
  switch (spec.type) {
    case "integer":
      return aNumber(spec, true);
    case "float":
    case "number":
      return aNumber(spec, false);
    case "boolean":
      return true;
    case "timestamp":
      return aTime(spec, format);
    case "object":
      return depth > 20 ? {} : membersFor(spec.fields, onlyRequired, format, depth + 1);
    case "array": {
      const items = (spec.items ?? {}) as Bag;
      const count = Math.min(numberOr(ruleOf(spec, "min_items"), 1) ?? 1, 20);
      return depth > 20
        ? []
        : Array.from({ length: count }, () => valueFor(items, onlyRequired, format, depth + 1));
    }
    case "string":
      return aText(spec);
    default:
      return 1;
  }
}
function membersFor(fields: Json, onlyRequired: boolean, format: Json, depth: number): Bag {
  const out: Bag = {};
  for (const spec of Array.isArray(fields) ? (fields as Bag[]) : [])
    if (!onlyRequired || spec.required === true)
      out[String(spec.name)] = valueFor(spec, onlyRequired, format, depth);
  return out;
}

/** @param onlyRequired  leaves out what may be left out */
export function exampleOf(schema: Schema, onlyRequired: boolean): string {
  const document = (schema.document ?? {}) as Bag;
  const rows = fieldsOf(schema);
  const fields = Array.isArray(document.fields) ? document.fields : rows.map((row) => ({ ...row }));
  return JSON.stringify(membersFor(fields, onlyRequired, document.time_format, 0), null, 2);
}
