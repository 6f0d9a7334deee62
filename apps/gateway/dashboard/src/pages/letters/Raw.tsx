// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { bytes as bytesText } from "../../app/format";
import { useSize } from "../../app/hooks";
import { Button, Choices, Note, Panel, Scroller, Text } from "../../ui";
import { saveText } from "../schemas/document";
import { placeOf, placeOfByte } from "../schemas/places";
import type { Fault } from "../schemas/remedies";
import type { Letter } from "./useLetters";
import "./letters.css";

const shown_max = 20_000; // characters

export interface Payload {
  bytes: Uint8Array<ArrayBuffer>;
  /** Null: the bytes are no text. */
  text: string | null;
}
export function payloadOf(letter: Letter): Payload {
  const { payload = "" } = letter;
  if (typeof payload === "string") return { bytes: new TextEncoder().encode(payload), text: payload };
  return { bytes: Uint8Array.from(atob(payload.base64), (c) => c.charCodeAt(0)), text: null };
}

const hex = (n: number, width: number) => n.toString(16).padStart(width, "0");
/** What a byte is as text: itself, or a dot. */
const seen = (byte: number) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·");

function HexView({ of }: { of: Uint8Array }) {
  const [ref, { width }] = useSize<HTMLDivElement>();
  const per = width > 0 && width < 520 ? 8 : 16;
  const lines = Math.ceil(of.length / per);
  const line = (index: number) => {
    const part = of.subarray(index * per, (index + 1) * per);
    const numbers = Array.from(part, (byte) => hex(byte, 2));
    return (
      <div key={index} className="letters-hex-line">
        <span className="dim">{hex(index * per, of.length > 0xffff ? 6 : 4)}</span>
        {`  ${numbers.join(" ").padEnd(per * 3)} `}
        <span className="dim">{Array.from(part, seen).join("")}</span>
      </div>
    );
  };
  return (
    <div ref={ref}>
      <Scroller className="letters-hex" role="group" aria-label="Bytes as hexadecimal numbers" count={lines} rowHeight={20} render={line}
        style={{ height: Math.min(lines, 20) * 20 + 24 }} />
    </div>
  );
}

function TextView({ text, fault }: { text: string; fault: Fault | undefined }) {
  const cut = text.slice(0, shown_max);
  const place = fault && (fault.path ? placeOf(text, fault.path) : placeOfByte(text, fault.message));
  const isMarked = place?.isWhole && place.end <= cut.length && place.end > place.begin;
  return (
    <pre className="letters-text" tabIndex={0} aria-label="Payload as text">
      {isMarked ? (
        <>
          <Text of={cut.slice(0, place.begin)} lines max={shown_max} />
          <mark className="letters-mark"><Text of={cut.slice(place.begin, place.end)} lines max={shown_max} /></mark>
          <Text of={cut.slice(place.end)} lines max={shown_max} />
        </>
      ) : (
        <Text of={cut} lines max={shown_max} />
      )}
    </pre>
  );
}

/** The payload as it came. @param fault  what is marked in it */
export function Raw({ payload, id, fault }: { payload: Payload; id: string; fault: Fault | undefined }) {
  const [view, setView] = useState<"text" | "hex">(payload.text === null ? "hex" : "text");
  const asText = useMemo(() => payload.text ?? new TextDecoder().decode(payload.bytes), [payload]);
  return (
    <Panel title={`Payload as it came, ${bytesText(payload.bytes.length)}`}
      tools={<>
        <Choices label="Show the payload as" value={view} onChange={setView}
          options={[{ value: "text", text: "Text" }, { value: "hex", text: "Hex" }]} />
        <Button icon="download" onClick={() => saveText(`letter-${id}.bin`, payload.bytes, "application/octet-stream")}>Download</Button>
      </>}>
      <div className="stack">
        {payload.bytes.length === 0 ? (
          <p className="dim">It is empty.</p>
        ) : view === "hex" ? (
          <HexView of={payload.bytes} />
        ) : (
          <>
            {payload.text === null && <Note>The bytes are no UTF-8; � stands for what is none.</Note>}
            <TextView text={asText} fault={fault} />
            {asText.length > shown_max && <p className="dim">The first {shown_max.toLocaleString("en")} characters. Download it for all of it.</p>}
          </>
        )}
      </div>
    </Panel>
  );
}
