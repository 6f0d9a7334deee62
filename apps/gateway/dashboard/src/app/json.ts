// SPDX-License-Identifier: Apache-2.0
// JSON whose whole numbers beyond 2^53 keep their digits: as BigInt, of which JSON of the browser knows nothing.

const mayHold = /\d{16}/;
// A text, or a number: what is in texts is left alone.
const parts = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/gs;
const isWhole = /^-?\d{16,}$/;
const mark = "\u0000whole:";

export function parseExact(text: string): unknown {
  if (!mayHold.test(text)) return JSON.parse(text);
  let found = false;
  const marked = text.replace(parts, (part) => {
    if (!isWhole.test(part) || Number.isSafeInteger(Number(part))) return part;
    found = true;
    return `"\\u0000whole:${part}"`;
  });
  if (!found) return JSON.parse(text);
  return JSON.parse(marked, (_, value: unknown) => {
    if (typeof value !== "string" || !value.startsWith(mark)) return value;
    const digits = value.slice(mark.length);
    return isWhole.test(digits) ? BigInt(digits) : value;
  });
}

/** As JSON.stringify, and BigInt as the number that it is. @param indent  of a level; 0: in one line */
export function written(value: unknown, indent = 0, before = ""): string {
  if (typeof value === "bigint" || (typeof value === "number" && !Number.isFinite(value))) return String(value);
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "";
  const inner = before + " ".repeat(indent), isList = Array.isArray(value);
  const members = isList ? value.map((one) => written(one, indent, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${indent > 0 ? " " : ""}${written(one, indent, inner)}`);
  const [begin, end] = isList ? "[]" : "{}";
  if (members.length === 0) return `${begin}${end}`;
  return indent > 0 ? `${begin}\n${inner}${members.join(`,\n${inner}`)}\n${before}${end}` : `${begin}${members.join()}${end}`;
}
