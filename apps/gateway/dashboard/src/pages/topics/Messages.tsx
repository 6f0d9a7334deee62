// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { addressOf, api } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { brief, exact, span } from "../../app/format";
import { useAsk } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Loading, Panel, Pill, ProblemNote, Text } from "../../ui";
import { changesOf, hexOf, jsonOf, type Change } from "./payload";

const page = 100, shown_max = 500;
const changes_max = 4;
type Form = "json" | "text" | "hex";
const forms = [{ value: "json", text: "JSON" }, { value: "text", text: "Text" }, { value: "hex", text: "Hex" }] as const;

/** The newest messages of a topic, each with what it changes. */
export function Messages({ topic, arrivals, gaps }: { topic: string; arrivals: readonly LiveRecord[]; gaps: number }) {
  const [state, setState] = useQueryState({ form: "json" });
  const [paused, setPaused] = useState<readonly LiveRecord[] | null>(null);
  const [open, setOpen] = useState("");
  const asked = useAsk(`messages ${topic} ${gaps}`, (signal) => api.get("/api/data", { query: { topic: [topic], limit: page }, signal }));
  const records = useMemo(() => {
    if (paused !== null) return paused;
    const all = new Map<string, LiveRecord>();
    for (const one of [...arrivals].reverse()) all.set(one.id, one);
    for (const one of (asked.data?.data ?? []) as LiveRecord[]) if (!all.has(one.id)) all.set(one.id, one);
    return [...all.values()].slice(0, shown_max);
  }, [asked.data, arrivals, paused]);
  const form: Form = forms.some((one) => one.value === state.form) ? (state.form as Form) : "json";
  if (asked.data === undefined && !asked.problem && records.length === 0) return <Loading what="Asking for the messages" />;
  return (
    <Panel title="Messages, newest first" flush
      tools={
        <>
          <Choices label="Form of the payload" options={forms} value={form} onChange={(value) => setState({ form: value })} />
          <Button icon={paused ? "play" : "pause"} aria-pressed={paused !== null} onClick={() => setPaused(paused === null ? records : null)}>
            {paused ? "Go on" : "Pause"}
          </Button>
          <a className="button" href={addressOf("/api/export", { topic, format: "csv" })} download>CSV</a>
        </>
      }>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {records.length === 0 ? (
        <Empty title="No message is stored">
          <p>Messages that their schema refuses are not stored: they are among the dead letters.</p>
        </Empty>
      ) : (
        <ol className="topics-messages">
          {records.map((record, i) => (
            <Message key={record.id} record={record} before={records[i + 1]} form={form} open={open === record.id}
              onOpen={() => setOpen(open === record.id ? "" : record.id)} />
          ))}
        </ol>
      )}
    </Panel>
  );
}

function Message({ record, before, form, open, onOpen }: {
  record: LiveRecord;
  before: LiveRecord | undefined;
  form: Form;
  open: boolean;
  onOpen: () => void;
}) {
  const time = Date.parse(record.timestamp);
  const changes = useMemo(() => (before === undefined ? [] : changesOf(before.payload, record.payload)), [record, before]);
  const apart = before === undefined ? "" : `+${span(time - Date.parse(before.timestamp), true)}`;
  return (
    <li className="topics-message">
      <button type="button" className="topics-message-head" aria-expanded={open} onClick={onOpen}>
        <time className="numbers" dateTime={record.timestamp}>{exact(time)}</time>
        <span className="dim numbers">{apart}</span>
        <span className="topics-changes">
          {record.retained && <Pill>retained</Pill>}
          {before === undefined ? (
            <span className="mono"><Text of={brief(record.payload)} max={200} /></span>
          ) : changes.length === 0 ? (
            <span className="dim">the same</span>
          ) : (
            changes.slice(0, changes_max).map((one) => <ChangeText key={one.path} of={one} />)
          )}
          {changes.length > changes_max && <span className="dim">{changes.length - changes_max} more</span>}
        </span>
      </button>
      {open && (
        <div className="topics-payload">
          <pre tabIndex={0} aria-label="Payload">
            {form === "json" ? <Text of={jsonOf(record.payload)} lines max={100_000} />
              : form === "text" ? <Text of={brief(record.payload)} lines max={100_000} />
                : hexOf(record.payload)}
          </pre>
          <dl>
            <div><dt>Received</dt><dd className="numbers">{exact(Date.parse(record.received_at))}</dd></div>
            <div><dt>Id</dt><dd className="mono">{record.id}</dd></div>
            <div><dt>Schema</dt><dd>{record.schema === null ? "none" : <Text of={record.schema} />}</dd></div>
          </dl>
        </div>
      )}
    </li>
  );
}

function ChangeText({ of }: { of: Change }) {
  return (
    <span className="topics-change">
      <span className="dim"><Text of={of.path} max={80} /></span>{" "}
      {of.after === undefined ? <del><Text of={of.before ?? ""} max={60} /></del> : <Text of={of.after} max={60} />}
      {of.by !== undefined && <span className={of.by.startsWith("+") ? "topics-up" : "topics-down"}> {of.by}</span>}
    </span>
  );
}
