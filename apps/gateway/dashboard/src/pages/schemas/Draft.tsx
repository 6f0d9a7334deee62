// SPDX-License-Identifier: Apache-2.0
import { useState, type FormEvent } from "react";
import { api, type AnswerOf } from "../../api/client";
import { useSubmit } from "../../app/form";
import { count } from "../../app/format";
import { Button, CopyButton, Empty, Field, Panel, Pill, ProblemNote, Text } from "../../ui";
import { saveText } from "./document";
import "./schemas.css";

type Drafts = AnswerOf<"/api/schemas/infer", "post">;

/** Schemas drafted from stored messages that have none. */
export function Draft() {
  const [topic, setTopic] = useState("#");
  const [drafts, setDrafts] = useState<Drafts>();
  const { busy, wrong, rest, submit } = useSubmit(["topic"]);
  const send = (event: FormEvent) => {
    event.preventDefault();
    void submit(async () => {
      setDrafts(undefined);
      setDrafts(await api.post("/api/schemas/infer", { body: { topic } }));
    });
  };
  return (
    <>
      <Panel title="Draft a schema from messages">
        <form className="schemas-ask" onSubmit={send}>
          <Field label="Topic filter" value={topic} wrong={wrong("topic")} onChange={(event) => setTopic(event.target.value)}
            hint="Looks at the newest 10,000 stored messages that have no schema." />
          <Button kind="main" type="submit" disabled={busy || topic === ""}>{busy ? "Drafting…" : "Draft"}</Button>
        </form>
        {rest && <ProblemNote of={rest} />}
        <p role="status" className="unseen">
          {drafts && `${drafts.schemas.length} drafts from ${drafts.messages} messages`}
        </p>
        {drafts?.schemas.length === 0 && (
          <Empty title={drafts.with_schema > 0 ? "All of these messages have a schema" : "There is nothing to draft from"}>
            <p>
              {drafts.with_schema > 0
                ? `${count(drafts.with_schema)} messages were passed over because a schema judges them already. Name topics that have none.`
                : drafts.left_out > 0
                  ? `${count(drafts.left_out)} messages are no JSON objects. A schema with payload: takes them, but it is not drafted here: telemetry schema library list shows those of known devices.`
                  : "No stored message lies below this filter. Subscribe to its topics (mqtt.topics), let devices publish, and try again."}
            </p>
          </Empty>
        )}
      </Panel>
      {drafts?.schemas.map((draft) => (
        <Panel key={draft.name + draft.topic}
          title={<>Draft: <Text of={draft.name} /> <Pill>{count(draft.messages)} messages, {count(draft.topics)} {draft.topics === 1 ? "topic" : "topics"}</Pill></>}
          tools={<>
            <CopyButton text={draft.document} />
            <Button icon="download" onClick={() => saveText(`${draft.name}.yaml`, draft.document, "application/yaml")}>Download</Button>
          </>}>
          <div className="stack">
            <ul className="schemas-notes">
              {draft.notes.map((note, i) => <li key={i}><Text of={note} max={1000} /></li>)}
            </ul>
            <pre className="schemas-document" tabIndex={0} aria-label={`Draft of ${draft.name}`}><Text of={draft.document} lines max={200_000} /></pre>
            <p className="dim">
              Read its comments, name the units, and widen ranges to what the device can send. Then put it into the folder of schemas
              (<code>schema.path</code>) and run <code>telemetry reload</code>.
            </p>
          </div>
        </Panel>
      ))}
    </>
  );
}
