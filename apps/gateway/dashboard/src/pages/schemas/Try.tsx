// SPDX-License-Identifier: Apache-2.0
import { useRef, type ReactNode } from "react";
import { api } from "../../api/client";
import { count } from "../../app/format";
import { useAsk, useSettled } from "../../app/hooks";
import { Loading, partsOf, Pill, ProblemNote, Text, TextArea } from "../../ui";
import { Faults } from "./Faults";
import { placeOf, placeOfByte } from "./places";
import type { Fault } from "./remedies";
import "./schemas.css";

/** Where a payload is from, as far as a schema looks there. */
export interface Origin {
  topic: string;
  /** It is one reading of a message. */
  unfolded: boolean;
}

/** What a schema says to a payload, asked anew whenever either changes. Nothing is stored. */
export function useJudgement(name: string | null, payload: string | Uint8Array, of?: Origin) {
  const settled = useSettled(payload, 350);
  const turn = useRef({ payload: settled, number: 0 });
  if (turn.current.payload !== settled)
    turn.current = { payload: settled, number: turn.current.number + 1 };
  const key = name === null || settled.length === 0 ? null : `${name} ${turn.current.number}`;
  const asked = useAsk(key, (signal) =>
    api.post("/api/schemas/{name}/validate", {
      path: { name: name ?? "" },
      ...(of && { query: { topic: of.topic, unfolded: of.unfolded ? "true" : "false" } }),
      body: settled,
      signal,
    }),
  );
  return { ...asked, isOld: settled !== payload };
}

/** The answer, in words. */
export function Verdict({ of, onShow }: {
  of: ReturnType<typeof useJudgement>;
  onShow?: ((fault: Fault) => void) | undefined;
}) {
  const { data, problem, loading, reload } = of;
  return (
    <div className="stack">
      <div className="row" role="status">
        {data && !problem && (
          <>
            <Pill kind={data.valid ? "ok" : "bad"}>{!data.valid ? "refused" : data.readings === 0 ? "dropped" : "accepted"}</Pill>
            <span>
              by <Text of={data.schema} />
              {data.readings > 1 && `, ${count(data.readings)} readings`}
              {!data.valid && `, ${data.problems.length} ${data.problems.length === 1 ? "mistake" : "mistakes"}`}
            </span>
          </>
        )}
        {!data && !problem && !loading && <span className="dim">Enter a payload: it is judged as you type, and not stored.</span>}
        {!data && loading && <Loading what="Judging" />}
      </div>
      {problem && <ProblemNote of={problem} onRetry={reload} />}
      {data && !problem && data.problems.length > 0 && <Faults of={data.problems} onShow={onShow} />}
    </div>
  );
}

/**
 * The same JSON with characters that would not be seen, or would turn the text around, as escapes.
 * Control characters of ASCII stay: raw ones are a mistake in JSON, which is to be found.
 */
export const escapeHidden = (text: string) =>
  Array.from(text, (c) => {
    const isHidden = c >= "\u007f" && typeof partsOf(c, true)[0] !== "string";
    if (!isHidden) return c;
    return Array.from({ length: c.length }, (_, i) => `\\u${c.charCodeAt(i).toString(16).padStart(4, "0")}`).join("");
  }).join("");

/** A payload to edit, and beside it what the schema says. */
export function Try({ name, of, text, onText, tools, label = "Payload" }: {
  name: string | null;
  of?: Origin;
  text: string;
  onText: (text: string) => void;
  tools?: ReactNode;
  label?: string;
}) {
  const judged = useJudgement(name, text, of);
  const box = useRef<HTMLDivElement>(null);
  const show = (fault: Fault) => {
    const area = box.current?.querySelector("textarea");
    const place = fault.path ? placeOf(text, fault.path) : placeOfByte(text, fault.message);
    if (!area) return;
    area.focus();
    if (place && !place.isWhole) area.setSelectionRange(place.end - 1, place.end - 1); // where it belongs
    else area.setSelectionRange(place?.begin ?? 0, place?.end ?? text.length);
  };
  return (
    <div className="schemas-try">
      <div className="stack" ref={box}>
        {tools && <div className="row">{tools}</div>}
        <TextArea label={label} rows={Math.max(6, Math.min(16, text.split("\n").length + 1))} value={text} onChange={(event) => onText(event.target.value)} />
      </div>
      <Verdict of={judged} onShow={show} />
    </div>
  );
}
