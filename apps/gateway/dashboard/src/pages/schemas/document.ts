// SPDX-License-Identifier: Apache-2.0
// What a schema's document says, as rows of a table, as text, and as a payload that it accepts.
import type { AnswerOf } from "../../api/client";

export type Schema = AnswerOf<"/api/schemas">["data"][number];
export type Json = unknown;
type Bag = Record<string, Json>;

export interface FieldRow {
  /** "phases.l1.voltage", "tags[]" for what stands in a list. */
  path: string;
  name: string;
  depth: number;
  type: string;
  unit: string | null;
  required: boolean;
  /** "-50 to 150", "one of: auto, manual". */
  rules: string[];
  description: string | null;
  /** As the document has it; empty where it has JSON Schema instead. */
  spec: Bag;
}

const isBag = (value: Json): value is Bag =>
  value !== null && typeof value === "object" && !Array.isArray(value);
const listOf = (value: Json): Json[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
const said = (value: Json) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** Rules stand in `validation` or in the field itself. */
export const ruleOf = (spec: Bag, name: string): Json =>
  (isBag(spec.validation) ? spec.validation[name] : undefined) ?? spec[name];

function span(low: Json, high: Json, above: string, below: string): string | null {
  if (low !== undefined && high !== undefined) return `${said(low)} to ${said(high)}`;
  if (low !== undefined) return `${above} ${said(low)}`;
  return high !== undefined ? `${below} ${said(high)}` : null;
}
const comparisons: Record<string, string> = {
  less_than: "less than",
  less_or_equal: "at most",
  greater_than: "greater than",
  greater_or_equal: "at least",
  equal: "equal to",
  not_equal: "not equal to",
};

function rulesOf(spec: Bag): string[] {
  const rule = (name: string) => ruleOf(spec, name);
  const out: string[] = [];
  const add = (text: string | null) => text !== null && out.push(text);
  add(span(rule("min"), rule("max"), "from", "up to"));
  const above = rule("exclusive_min");
  const below = rule("exclusive_max");
  if (above !== undefined) out.push(`more than ${said(above)}`);
  if (below !== undefined) out.push(`less than ${said(below)}`);
  const length = span(rule("min_length"), rule("max_length"), "from", "up to");
  if (length !== null) out.push(`${length} characters`);
  const items = span(rule("min_items"), rule("max_items"), "from", "up to");
  if (items !== null) out.push(`${items} items`);
  const among = rule("enum");
  if (among !== undefined) out.push(`one of: ${listOf(among).map(said).join(", ")}`);
  const pattern = rule("pattern");
  if (pattern !== undefined) out.push(`pattern ${said(pattern)}`);
  for (const [name, words] of Object.entries(comparisons)) {
    const other = rule(name);
    if (other !== undefined) out.push(`${words} ${listOf(other).map(said).join(" and ")}`);
  }
  for (const name of ["requires", "aliases"] as const) {
    const names = listOf(spec[name]);
    if (names.length > 0)
      out.push(`${name === "requires" ? "needs" : "also called"} ${names.map(said).join(", ")}`);
  }
  if (spec.default !== undefined) out.push(`${said(spec.default)} where it is absent`);
  for (const name of ["time_format", "nulls", "custom", "json_schema"]) {
    const value = rule(name);
    if (value !== undefined) out.push(`${name.replace("_", " ")}: ${said(value)}`);
  }
  if (rule("allow_extra_fields") === true) out.push("other members are kept");
  return out;
}

const depth_max = 32;
function* walk(fields: Json, prefix: string, depth: number): Generator<FieldRow> {
  if (depth > depth_max) return;
  for (const spec of listOf(fields)) {
    if (!isBag(spec)) continue;
    const name = said(spec.name);
    const path = prefix === "" ? name : `${prefix}.${name}`;
    yield* row(spec, path, name, depth);
  }
}
function* row(spec: Bag, path: string, name: string, depth: number): Generator<FieldRow> {
  yield {
    path,
    name,
    depth,
    type: said(spec.type),
    unit: typeof spec.unit === "string" ? spec.unit : null,
    required: spec.required === true,
    rules: rulesOf(spec),
    description: typeof spec.description === "string" ? spec.description : null,
    spec,
  };
  yield* walk(spec.fields, path, depth + 1);
  if (isBag(spec.items)) yield* row(spec.items, `${path}[]`, "each item", depth + 1);
}

/** The fields of a schema with their rules, as far as the gateway tells them. */
export function fieldsOf(schema: Schema): FieldRow[] {
  const document = schema.document as Json;
  if (isBag(document) && Array.isArray(document.fields)) return [...walk(document.fields, "", 0)];
  return schema.fields.map((field) => ({
    ...field,
    name: field.path,
    depth: 0,
    rules: [],
    description: null,
    spec: {},
  }));
}

const line_max = 140;
/** JSON in which what is short stands on one line: a field a line. It can be saved as a schema. */
export function documentText(value: Json, indent = ""): string {
  const flat = (one: Json): string => {
    if (Array.isArray(one)) return `[${one.map(flat).join(", ")}]`;
    if (!isBag(one)) return JSON.stringify(one) ?? "null";
    const members = Object.entries(one).map(([key, v]) => `${JSON.stringify(key)}: ${flat(v)}`);
    return `{${members.join(", ")}}`;
  };
  const short = flat(value);
  const isList = Array.isArray(value);
  if ((!isList && !isBag(value)) || (indent !== "" && indent.length + short.length <= line_max))
    return short;
  const inner = `${indent}  `;
  const lines = isList
    ? value.map((one) => inner + documentText(one, inner))
    : Object.entries(value as Bag).map(
        ([key, one]) => `${inner}${JSON.stringify(key)}: ${documentText(one, inner)}`,
      );
  const [open, close] = isList ? "[]" : "{}";
  return lines.length === 0 ? `${open}${close}` : `${open}\n${lines.join(",\n")}\n${indent}${close}`;
}

export interface DiffLine {
  kind: "same" | "gone" | "new";
  text: string;
}
/** The lines of two texts, with those that are gone before those that are new. */
export function diffLines(before: string, after: string): DiffLine[] {
  const a = before.split("\n").slice(0, 2000);
  const b = after.split("\n").slice(0, 2000);
  // Length of the longest common part from (i, j) on.
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; --i)
    for (let j = b.length - 1; j >= 0; --j)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1]! + 1
          : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
  const out: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ kind: "same", text: a[i]! });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
      out.push({ kind: "gone", text: a[i]! });
      i += 1;
    } else {
      out.push({ kind: "new", text: b[j]! });
      j += 1;
    }
  }
  return out;
}

/** Gives a text to the browser as a file. */
export function saveText(name: string, text: BlobPart, type: string) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
