// SPDX-License-Identifier: Apache-2.0
// JSON whose whole numbers keep their digits: those that a double cannot hold are BigInts. A browser that does
// not give a number's text to the reviver (it came in 2023 to 2025) reads them as doubles, as JSON.parse does.
type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
const exact = JSON as unknown as { parse(text: string, reviver: Reviver): unknown; rawJSON(text: string): object };

const digits_max = 400; // a double holds no greater number
const isLong = /(?<![\d.])\d{16,}(?![\d.eE])/;
const isWhole = /^-?\d+$/;

export function parseJson(text: string): unknown {
  if (!isLong.test(text)) return JSON.parse(text);
  return exact.parse(text, (_, value, context) => {
    const source = context?.source;
    const isExact = typeof value !== "number" || Number.isSafeInteger(value) || source === undefined;
    return isExact || source.length > digits_max || !isWhole.test(source) ? value : BigInt(source);
  });
}

/** What it is as JSON, with the digits that it came with. */
export const writeJson = (value: unknown, space?: number): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? exact.rawJSON(String(one)) : one), space) ?? "";
