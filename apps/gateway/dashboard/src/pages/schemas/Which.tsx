// SPDX-License-Identifier: Apache-2.0
import { useId, useState } from "react";
import { api } from "../../api/client";
import { useAsk, useSettled } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Field, Link, Panel, Pill, ProblemNote, Text } from "../../ui";
import "./schemas.css";

/** Which schema judges the messages of a topic. */
export function Which() {
  const [{ which }, setQuery] = useQueryState({ which: "" });
  const [topic, setTopic] = useState(which);
  const asked = useSettled(topic, 400);
  const isFilter = /[+#]/.test(asked);
  const answer = useAsk(asked === "" || isFilter ? null : asked, (signal) =>
    api.get("/api/schemas/which", { query: { topic: asked }, signal }),
  );
  const known = useAsk("topics", (signal) => api.get("/api/topics", { query: { order: "last_seen", limit: 200 }, signal }));
  const list = useId();
  const wrong = isFilter ? "This is a filter. Enter one topic, without + and #."
    : answer.problem?.parts.find((part) => part.parameter === "topic")?.detail;
  const found = answer.data;
  return (
    <Panel title="Which schema judges a topic?">
      <div className="stack">
        <Field label="Topic" placeholder="sensors/sensor-001/temperature" list={list} value={topic} wrong={wrong}
          onChange={(event) => {
            setTopic(event.target.value);
            setQuery({ which: event.target.value });
          }} />
        <datalist id={list}>
          {known.data?.data.map((one) => <option key={one.topic} value={one.topic} />)}
        </datalist>
        {answer.problem && wrong === undefined && <ProblemNote of={answer.problem} onRetry={answer.reload} />}
        <div role="status" className="stack schemas-live">
          {found && found.schema !== null && (
            <>
              <p>
                <Link to="schemas" query={{ schema: found.schema }}><Text of={found.schema} /></Link>{" "}
                {found.version} judges it
                {found.device !== null ? <>; the device is <strong><Text of={found.device} /></strong>.</> : ". It names no device."}
              </p>
              {found.candidates.length > 1 && (
                <ol className="schemas-candidates" aria-label="All that match, the most specific first">
                  {found.candidates.map((one, i) => (
                    <li key={i}>
                      <code><Text of={one.pattern} /></code> <Text of={one.schema} /> {i === 0 && <Pill kind="ok">judges</Pill>}
                    </li>
                  ))}
                </ol>
              )}
            </>
          )}
          {found && found.schema === null && (
            <p>
              No schema matches it: its messages are kept as <code>schema.unmatched</code> says. Draft one from what has come, below.
            </p>
          )}
        </div>
      </div>
    </Panel>
  );
}
