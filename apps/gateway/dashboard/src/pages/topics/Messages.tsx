// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useState } from "react";
import { addressOf, api, Problem } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { behind, brief, count, exact, msOf, span } from "../../app/format";
import { useAsk } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Link, Loading, Panel, Pill, ProblemNote, Text } from "../../ui";
import { changesOf, hexOf, jsonOf, type Change } from "./payload";

const page = 100, live_max = 500;
const changes_max = 4;
const ahead_min_ms = 5000;
type Form = "json" | "text" | "hex";
const forms = [{ value: "json", text: "JSON" }, { value: "text", text: "Text" }, { value: "hex", text: "Hex" }] as const;

/** Each once, the newest first. */
function ordered(records: Iterable<LiveRecord>): LiveRecord[] {
  const all = new Map<string, { record: LiveRecord; time: number }>();
  for (const one of records) if (!all.has(one.id)) all.set(one.id, { record: one, time: msOf(one.timestamp) });
  return [...all.values()].sort((a, b) => b.time - a.time).map((one) => one.record);
}

/** Messages that stay as they are while new ones come; older ones are put behind them. */
interface Held {
  records: readonly LiveRecord[];
  /** Behind the oldest that was there at first: where the older ones begin. */
  end: string;
  /** Of the next older page; empty: none was asked for yet; null: there is none. */
  cursor: string | null;
  loading: boolean;
  problem: Problem | undefined;
}
const heldOf = (records: readonly LiveRecord[]): Held =>
  ({ records, end: behind(records.at(-1)?.timestamp ?? ""), cursor: "", loading: false, problem: undefined });

/** The newest messages of a topic, each with what it changes, and on to the older ones. */
export function Messages({ topic, arrivals, turn }: { topic: string; arrivals: readonly LiveRecord[]; turn: number }) {
  const [state, setState] = useQueryState({ form: "json" });
  const [held, setHeld] = useState<Held | null>(null);
  const [open, setOpen] = useState("");
  const asked = useAsk(`messages ${topic}`, (signal) => api.get("/api/data", { query: { topic: [topic], limit: page }, signal }));
  const { reload } = asked;
  useEffect(() => {
    if (turn > 0) reload();
  }, [turn, reload]);
  const live = useMemo(() => ordered([...[...arrivals].reverse(), ...((asked.data?.data ?? []) as LiveRecord[])]), [asked.data, arrivals]);
  const records = held?.records ?? live.slice(0, live_max);
  const fresh = useMemo(() => {
    if (held === null) return 0;
    const known = new Set(held.records.map((one) => one.id));
    return arrivals.filter((one) => !known.has(one.id)).length;
  }, [held, arrivals]);
  const older = async () => {
    const from = held ?? heldOf(records);
    setHeld({ ...from, loading: true, problem: undefined });
    const done = (change: Partial<Held>) =>
      setHeld((was) => (was?.end === from.end ? { ...was, loading: false, ...change } : was)); // else it goes on meanwhile
    try {
      const answer = await api.get("/api/data", { query: { topic: [topic], limit: page, end: from.end, ...(from.cursor && { cursor: from.cursor }) } });
      done({ cursor: answer.next_cursor, records: ordered([...from.records, ...(answer.data as LiveRecord[])]) });
    } catch (error) {
      done({ problem: error instanceof Problem ? error : new Problem(0, { code: "page", detail: String(error) }) });
    }
  };
  const form: Form = forms.some((one) => one.value === state.form) ? (state.form as Form) : "json";
  if (asked.data === undefined && !asked.problem && records.length === 0) return <Loading what="Asking for the messages" />;
  return (
    <Panel title="Messages, newest first" flush
      tools={
        <>
          <Choices label="Form of the payload" options={forms} value={form} onChange={(value) => setState({ form: value })} />
          <Button icon={held ? "play" : "pause"} aria-pressed={held !== null} onClick={() => setHeld(held === null ? heldOf(records) : null)}>
            {held === null ? "Pause" : fresh === 0 ? "Go on" : `Go on (${count(fresh)} new)`}
          </Button>
          <a className="button" href={addressOf("/api/export", { topic, format: "csv" })} download>CSV</a>
        </>
      }>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={reload} />}
      {records.length === 0 ? (
        <Empty title="No message is stored">
          <p>Either none has come to this topic, or its schema refuses them: then they are among the dead letters, with what is wrong.</p>
          <Link className="button" to="letters" query={{ topic }}>Its dead letters</Link>
        </Empty>
      ) : (
        <>
          <ol className="topics-messages">
            {records.map((record, i) => (
              <Message key={record.id} record={record} before={records[i + 1]} form={form} open={open === record.id}
                onOpen={() => setOpen(open === record.id ? "" : record.id)} />
            ))}
          </ol>
          {held?.problem && <ProblemNote of={held.problem} onRetry={() => void older()} />}
          <div className="topics-older">
            <span className="dim" role="status">{held?.loading ? "Asking for older messages…" : `${count(records.length)} shown`}</span>
            {held?.cursor === null ? <span className="dim">No older one is stored.</span>
              : !held?.loading && <Button onClick={() => void older()}>Older</Button>}
          </div>
        </>
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
  const time = msOf(record.timestamp), ahead = time - msOf(record.received_at);
  const changes = useMemo(() => (before === undefined ? [] : changesOf(before.payload, record.payload)), [record, before]);
  const apart = before === undefined ? "" : `+${span(time - msOf(before.timestamp), true)}`;
  return (
    <li className="topics-message">
      <button type="button" className="topics-message-head" aria-expanded={open} onClick={onOpen}>
        <time className="numbers" dateTime={record.timestamp}>{exact(time)}</time>
        <span className="dim numbers">{apart}</span>
        <span className="topics-changes">
          {record.retained && <Pill>retained</Pill>}
          {ahead > ahead_min_ms && <Pill kind="warn">clock {span(ahead)} ahead</Pill>}
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
