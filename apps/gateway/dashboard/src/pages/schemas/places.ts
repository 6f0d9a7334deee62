// SPDX-License-Identifier: Apache-2.0
// Where in a payload's text a fault lies.

export interface Place {
  begin: number;
  end: number;
  /** False: the object in which it is missing. */
  isWhole: boolean;
}

const decode = (step: string) => step.replaceAll("~1", "/").replaceAll("~0", "~");

/** Reads JSON as far as it goes, for places alone. */
class Reader {
  at = 0;
  constructor(readonly text: string) {}
  space() {
    while (/\s/.test(this.text[this.at] ?? "")) this.at += 1;
  }
  /** Behind the string that begins here. */
  string() {
    this.at += 1;
    while (this.at < this.text.length && this.text[this.at] !== '"')
      this.at += this.text[this.at] === "\\" ? 2 : 1;
    this.at += 1;
  }
  /** Behind the value that begins here. */
  skip() {
    let depth = 0;
    do {
      this.space();
      const c = this.text[this.at];
      if (c === undefined) return;
      if (c === '"') this.string();
      else {
        if ("{[".includes(c)) depth += 1;
        if ("}]".includes(c)) depth -= 1;
        if ("{}[],:".includes(c)) this.at += 1;
        else while (this.at < this.text.length && !/[\s{}[\],:"]/.test(this.text[this.at]!)) this.at += 1;
      }
    } while (depth > 0);
  }
  /** Goes to a member's or an item's value. Returns where its name begins, or null. */
  enter(step: string): { begin: number } | null {
    this.space();
    const open = this.text[this.at];
    if (open !== "{" && open !== "[") return null;
    this.at += 1;
    for (let index = 0; ; ++index) {
      this.space();
      const c = this.text[this.at];
      if (c === undefined || "}]".includes(c)) return null;
      if (c === ",") {
        this.at += 1;
        index -= 1;
        continue;
      }
      const begin = this.at;
      let name = String(index);
      if (open === "{") {
        if (c !== '"') return null;
        this.string();
        try {
          name = JSON.parse(this.text.slice(begin, this.at)) as string;
        } catch {
          return null;
        }
        this.space();
        if (this.text[this.at] !== ":") return null;
        this.at += 1;
        this.space();
      }
      if (name === step) return { begin };
      const before = this.at;
      this.skip();
      if (this.at === before) return null;
    }
  }
}

/** Of a JSON pointer: the member with its name, or the object in which it is missing. */
export function placeOf(text: string, pointer: string): Place | null {
  const reader = new Reader(text);
  reader.space();
  let begin = reader.at;
  let isWhole = true;
  for (const step of pointer.split("/").slice(1).map(decode)) {
    const value = reader.at;
    const name = reader.enter(step);
    if (name === null) {
      reader.at = value;
      isWhole = false;
      break;
    }
    begin = name.begin;
  }
  reader.skip();
  return reader.at > begin ? { begin, end: reader.at, isWhole } : null;
}

/** Of "byte 15: ...", for payloads that are no JSON. */
export function placeOfByte(text: string, message: string): Place | null {
  const found = /^byte (\d+):/.exec(message);
  if (found === null) return null;
  const bytes = new TextEncoder().encode(text).subarray(0, Number(found[1]));
  const begin = new TextDecoder().decode(bytes).length;
  const first = Math.min(begin, Math.max(0, text.length - 1));
  return { begin: first, end: Math.min(first + 1, text.length), isWhole: true };
}
