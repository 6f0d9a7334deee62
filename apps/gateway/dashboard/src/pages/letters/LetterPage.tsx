// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { api } from "../../api/client";
import { useAsk } from "../../app/hooks";
import { exact } from "../../app/format";
import { useQueryState } from "../../app/router";
import { Button, DetailHead, Empty, Facts, Link, Loading, Note, Panel, ProblemNote, Text } from "../../ui";
import { Faults } from "../schemas/Faults";
import { FieldTable } from "../schemas/FieldTable";
import { remedyOf, titleOf, type Fault } from "../schemas/remedies";
import { escapeHidden, Try, useJudgement, Verdict } from "../schemas/Try";
import "./letters.css";
import { payloadOf, Raw, type Payload } from "./Raw";
import type { Letter } from "./useLetters";

const edited_max = 100_000; // characters

export function LetterPage({ id }: { id: string }) {
  const [from] = useQueryState({ topic: "", start: "", schema: "", reason: "" });
  const asked = useAsk(id, (signal) => api.get("/api/dead_letters/{id}", { path: { id }, signal }));
  const back = { to: "letters", query: from, text: from.reason === "" ? "All letters" : "These letters" };
  const letter = asked.data;
  return (
    <>
      <DetailHead back={back} title={letter ? <>{titleOf(letter.reason)}</> : "Letter"}
        note={letter && <>on <code><Text of={letter.topic} max={500} /></code>, received {exact(Date.parse(letter.received_at))}</>}>
        {letter && <Link className="button" to="letters" query={{ topic: letter.topic }}>All letters of this topic</Link>}
      </DetailHead>
      {asked.problem?.status === 404 ? (
        <Empty title="This letter is not kept any more">
          <p>It was replayed or dropped, or it made room for newer ones.</p>
          <Link className="button" to="letters">All letters</Link>
        </Empty>
      ) : (
        asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />
      )}
      {!letter && asked.loading && <Loading />}
      {letter && <Opened letter={letter} />}
    </>
  );
}

/** "temperature_sensor 1.0" of a letter. */
const partsOf = (schema: string | undefined) => {
  const [name = "", version = ""] = (schema ?? "").split(" ");
  return { name: name === "none" ? "" : name, version };
};

function Opened({ letter }: { letter: Letter }) {
  const payload = useMemo(() => payloadOf(letter), [letter]);
  const [shown, setShown] = useState<Fault | undefined>(letter.problems[0]);
  const used = partsOf(letter.schema);
  const remedy = letter.problems.length === 0 ? remedyOf({ rule: letter.reason, message: "" }) : "";
  return (
    <>
      <Panel title="Why it was refused">
        <div className="stack">
          {letter.problems.length > 0
            ? <Faults of={letter.problems} onShow={payload.bytes.length > 0 ? setShown : undefined} />
            : <p>{titleOf(letter.reason)}. {remedy}</p>}
          <Facts of={[
            ["Judged by", letter.schema ? <Text of={letter.schema} /> : "no schema"],
            ...(letter.timestamp ? [["Time of the message", exact(Date.parse(letter.timestamp))] as const] : []),
            ["QoS", letter.qos ?? "not known"],
            ["Retained", letter.retained ? "yes" : "no"],
            ...(letter.unfolded ? [["Payload", "one reading of a message that had several"] as const] : []),
          ]} />
        </div>
      </Panel>
      <div className="letters-beside">
        <Raw payload={payload} id={letter.id} fault={shown} />
        {used.name !== "" && <SchemaBeside name={used.name} version={used.version} faults={letter.problems} />}
      </div>
      <TryNow letter={letter} payload={payload} />
    </>
  );
}

function SchemaBeside({ name, version, faults }: { name: string; version: string; faults: readonly Fault[] }) {
  const asked = useAsk(name, (signal) => api.get("/api/schemas/{name}", { path: { name }, signal }));
  const versions = asked.data?.data ?? [];
  const schema = versions.find((one) => one.version === version) ?? versions[0];
  return (
    <Panel flush title={<>Schema <Link to="schemas" query={{ schema: name }}><Text of={name} /></Link> {schema?.version}</>}>
      {asked.problem?.status === 404 ? (
        <Empty title="It is not in force any more"><p>See below which schema judges this topic now.</p></Empty>
      ) : (
        asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />
      )}
      {schema && schema.version !== version && (
        <Note>The letter was judged by version {version}, which is not in force any more.</Note>
      )}
      {schema && <FieldTable schema={schema} faults={faults} />}
      {!schema && asked.loading && <Loading />}
    </Panel>
  );
}

function TryNow({ letter, payload }: { letter: Letter; payload: Payload }) {
  const which = useAsk(letter.topic, (signal) => api.get("/api/schemas/which", { query: { topic: letter.topic }, signal }));
  // That which refused it, while it is there: the content may have chosen it.
  const judge = which.data?.candidates.find((one) => one.schema === partsOf(letter.schema).name)?.schema;
  const name = judge ?? which.data?.schema ?? null;
  const from = { topic: letter.topic, unfolded: letter.unfolded ?? false };
  const asItCame = useMemo(() => escapeHidden(payload.text ?? ""), [payload]);
  const [text, setText] = useState(asItCame);
  const canEdit = payload.text !== null && payload.text.length <= edited_max;
  const judged = useJudgement(canEdit ? null : name, payload.bytes, from);
  return (
    <Panel title="The same payload, judged now">
      <div className="stack">
        {which.problem && <ProblemNote of={which.problem} onRetry={which.reload} />}
        {which.data && name === null && (
          <Empty title="No schema judges this topic now">
            <p>A new message like this would be kept as schema.unmatched says. Draft a schema from what has come.</p>
            <Link className="button" to="schemas">Schemas</Link>
          </Empty>
        )}
        {canEdit && asItCame !== payload.text && <p className="dim">Characters that are not seen are written as \u escapes here, which JSON reads as the same.</p>}
        {name !== null && (canEdit ? (
          <Try name={name} of={from} text={text} onText={setText} label="Payload, to change and try"
            tools={<Button disabled={text === asItCame} onClick={() => setText(asItCame)}>As it came</Button>} />
        ) : (
          <Verdict of={judged} />
        ))}
        {name !== null && (
          <p className="dim">
            Where the device is wrong, mend the device. Where the schema is, make a new version of it, run <code>telemetry reload</code>, and
            then <code>telemetry dead-letter replay</code>: letters that pass are stored with their own time.
          </p>
        )}
      </div>
    </Panel>
  );
}
