// SPDX-License-Identifier: Apache-2.0
// What others have written is shown as it is: control characters, and characters that turn the
// direction of text or take no room, are shown by name.
import { Fragment } from "react";

const hidden =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff]|[\u{e0000}-\u{e0fff}]/u;
const names: Record<number, string> = {
  0x0: "NUL", 0x7: "BEL", 0x8: "BS", 0x9: "TAB", 0xa: "LF", 0xd: "CR", 0x1b: "ESC", 0x7f: "DEL",
  0xad: "SHY", 0x200b: "ZWSP", 0x200c: "ZWNJ", 0x200d: "ZWJ", 0x200e: "LRM", 0x200f: "RLM",
  0x202a: "LRE", 0x202b: "RLE", 0x202c: "PDF", 0x202d: "LRO", 0x202e: "RLO", 0x2066: "LRI",
  0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0xfeff: "BOM",
};
const nameOf = (c: number) =>
  names[c] ?? `U+${c.toString(16).toUpperCase().padStart(4, "0")}`;

/** Parts of a text: as it is, or the name of a character that would not be seen. */
export function partsOf(text: string, lines: boolean): (string | { name: string })[] {
  const out: (string | { name: string })[] = [];
  let plain = "";
  for (const c of text) {
    const isBreak = c === "\n" || c === "\t";
    if (isBreak ? lines : !hidden.test(c)) {
      plain += c;
      continue;
    }
    if (plain !== "") out.push(plain);
    plain = "";
    out.push({ name: nameOf(c.codePointAt(0)!) });
  }
  if (plain !== "") out.push(plain);
  return out;
}

/**
 * Text of topics, payloads and errors.
 * @param lines  line breaks and tabs stay
 * @param max  characters that are shown
 */
export function Text({ of, lines = false, max = 4000 }: { of: string; lines?: boolean; max?: number }) {
  const cut = of.length > max;
  return (
    <bdi>
      {partsOf(cut ? of.slice(0, max) : of, lines).map((part, i) =>
        typeof part === "string" ? (
          <Fragment key={i}>{part}</Fragment>
        ) : (
          <span key={i} className="control-mark">
            {part.name}
          </span>
        ),
      )}
      {cut && "…"}
    </bdi>
  );
}
/** The same for attributes and documents' titles, which have text alone. */
export const plainText = (text: string) =>
  partsOf(text, false).map((part) => (typeof part === "string" ? part : `⟨${part.name}⟩`)).join("");
