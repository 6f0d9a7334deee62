// SPDX-License-Identifier: Apache-2.0
import { written } from "../../app/json";

/** The bytes of a payload: a JSON is shown as it is written out again, not as it was sent. */
export function bytesOf(payload: unknown): Uint8Array {
  if (isBinary(payload)) return Uint8Array.from(atob(payload.base64), (c) => c.charCodeAt(0));
  return new TextEncoder().encode(typeof payload === "string" ? payload : written(payload));
}
export function isBinary(payload: unknown): payload is { base64: string } {
  if (payload === null || typeof payload !== "object") return false;
  const { base64 } = payload as { base64?: unknown };
  return typeof base64 === "string" && Object.keys(payload).length === 1 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64);
}
const bytes_max = 4096;
/** "00000000  7b 22 74 ...  |{"t...|" */
export function hexOf(payload: unknown): string {
  const bytes = bytesOf(payload);
  const out: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, bytes_max); at += 16) {
    const some = [...bytes.subarray(at, at + 16)];
    const hex = some.map((b) => b.toString(16).padStart(2, "0"));
    const text = some.map((b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : ".")).join("");
    out.push(`${at.toString(16).padStart(8, "0")}  ${hex.slice(0, 8).join(" ").padEnd(23)}  ${hex.slice(8).join(" ").padEnd(23)}  |${text}|`);
  }
  if (bytes.length > bytes_max) out.push(`… ${bytes.length - bytes_max} more bytes`);
  return out.join("\n");
}
export const jsonOf = (payload: unknown) => written(payload, 2);

export interface Change {
  path: string;
  before: string | undefined;
  after: string | undefined;
  /** Of numbers: "+0.25". */
  by: string | undefined;
}
const paths_max = 500;
function flat(payload: unknown, path: string, out: Map<string, unknown>) {
  if (out.size >= paths_max) return;
  if (payload !== null && typeof payload === "object" && Object.keys(payload).length > 0) {
    for (const [key, value] of Object.entries(payload)) flat(value, path === "" ? key : `${path}.${key}`, out);
  } else {
    out.set(path, payload);
  }
}
const text = (value: unknown) => (typeof value === "string" ? value : written(value));

const digits_max = 12;
const isNumber = (value: unknown) => typeof value === "number" || typeof value === "bigint";

/** With as many digits behind the point as the two have. */
function difference(a: number | bigint, b: number | bigint): string {
  if (typeof a === "bigint" || typeof b === "bigint") {
    if (!Number.isInteger(Number(a)) || !Number.isInteger(Number(b))) return "";
    const by = BigInt(b) - BigInt(a);
    return by < 0n ? `−${-by}` : `+${by}`;
  }
  const digits = Math.max(...[a, b].map((n) => /\.(\d+)$/.exec(String(n))?.[1]?.length ?? 0));
  return `${b >= a ? "+" : "−"}${Math.abs(b - a).toFixed(Math.min(digits, digits_max))}`;
}

/** What the second has that the first has not, or has otherwise: numbers first. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const old = new Map<string, unknown>(), now = new Map<string, unknown>();
  flat(before, "", old);
  flat(after, "", now);
  const out: Change[] = [];
  for (const [path, value] of now) {
    const was = old.get(path);
    const isNew = !old.has(path);
    if (!isNew && text(was) === text(value)) continue;
    out.push({
      path: path === "" ? "value" : path,
      before: isNew ? undefined : text(was),
      after: text(value),
      by: isNumber(was) && isNumber(value) ? difference(was as number | bigint, value as number | bigint) : undefined,
    });
  }
  for (const [path, value] of old)
    if (!now.has(path)) out.push({ path: path === "" ? "value" : path, before: text(value), after: undefined, by: undefined });
  // Numbers first: a time changes in nearly every message.
  return [...out.filter((one) => one.by !== undefined), ...out.filter((one) => one.by === undefined)];
}
