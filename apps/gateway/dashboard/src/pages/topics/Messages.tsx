// SPDX-License-Identifier: Apache-2.0
import { memo, useEffect, useMemo, useState } from "react";
import { addressOf, api, Problem, type AnswerOf } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { brief, count, exact, msOf, span } from "../../app/format";
import { useAsk } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Link, Loading, Note, Panel, Pill, ProblemNote, Text } from "../../ui";
import { changesOf, hexOf, jsonOf, type Change } from "./payload";
import type { Arrivals } from "./TopicView";

const page = 100;
const changes_max = 4;
type Form = "json" | "text" | "hex";
const forms = [{ value: "json", text: "JSON" }, { value: "text", text: "Text" }, { value: "hex", text: "Hex" }] as const;

/** What is shown while it does not move. */
interface Still {
  records: readonly LiveRecord[];
  /** Of the page behind these; null: there is none. */
  cursor: string | null;
  /** Messages that had come live. */
  come: number;
}
const without = (known: readonly LiveRecord[], more: readonly LiveRecord[]) => {
  const ids = new Set(known.map((one) => one.id));
  return more.filter((one) => !ids.has(one.id));
};

/** The newest messages of a topic, each with what it changes, and as far back as somebody goes. */
export function Messages({ topic, arrivals }: { topic: string; arrivals: Arrivals }) {
  const [state, setState] = useQueryState({ form: "json" });
  const [still, setStill] = useState<Still | null>(null);
  const [shown, setShown] = useState(page);
  const [older, setOlder] = useState<{ busy: boolean; problem?: Problem }>({ busy: false });
  const [open, setOpen] = useState("");
  const asked = useAsk(`messages ${topic}`, (signal) => api.get("/api/data", { query: { topic: [topic], limit: page }, signal }));
  useEffect(() => {
    if (arrivals.turn > 0) asked.reload();
  }, [arrivals.turn]); // eslint-disable-line
  const known = useMemo(() => {
    const come = [...arrivals.records].reverse();
    return [...come, ...without(come, (asked.data?.data ?? []) as LiveRecord[])];
  }, [asked.data, arrivals]);
  const stop = (): Still => still ?? { records: known, cursor: asked.data?.next_cursor ?? null, come: arrivals.come };
  const goOn = () => {
    setStill(null);
    setShown(page);
  };
  const goBack = async () => {
    let { records, cursor, come } = stop();
    setStill({ records, cursor, come }); // new messages do not push away what is read
    setOlder({ busy: true });
    try {
      // What came live is in the first pages too.
      while (records.length < shown + page && cursor !== null) {
        const answer: AnswerOf<"/api/data"> = await api.get("/api/data", { query: { topic: [topic], limit: page, cursor } });
        records = [...records, ...without(records, answer.data as LiveRecord[])];
        cursor = answer.next_cursor;
        setStill({ records, cursor, come });
      }
      setShown(shown + page);
      setOlder({ busy: false });
    } catch (error) {
      setOlder({ busy: false, problem: error instanceof Problem ? error : new Problem(0, { detail: String(error) }) });
    }
  };
  const all = still?.records ?? known, records = all.slice(0, shown);
  const hasOlder = all.length > shown || (still ? still.cursor : (asked.data?.next_cursor ?? null)) !== null;
  const fresh = still === null ? 0 : arrivals.come - still.come;
  const form: Form = forms.some((one) => one.value === state.form) ? (state.form as Form) : "json";
  if (asked.data === undefined && !asked.problem && records.length === 0) return <Loading what="Asking for the messages" />;
  return (
    <Panel title="Messages, newest first" flush
      tools={
        <>
          <Choices label="Form of the payload" options={forms} value={form} onChange={(value) => setState({ form: value })} />
          <Button icon={still ? "play" : "pause"} aria-pressed={still !== null} onClick={() => (still ? goOn() : setStill(stop()))}>
            {still ? "Go on" : "Pause"}
          </Button>
          <a className="button" href={addressOf("/api/export", { topic, format: "csv" })} download>CSV</a>
        </>
      }>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {still !== null && (
        <Note>
          <p>The list stands still. {fresh === 0 ? "No message has come since." : `${count(fresh)} ${fresh === 1 ? "message has" : "messages have"} come since: “Go on” shows the newest.`}</p>
        </Note>
      )}
      {records.length === 0 ? (
        <Empty title="No message is stored">
          <p>Messages that their schema refuses are not stored: they are among the dead letters.</p>
          <Link className="button" to="letters" query={{ topic }}>Dead letters of this topic</Link>
        </Empty>
      ) : (
        <ol className="topics-messages">
          {records.map((record, i) => (
            <Message key={record.id} record={record} before={all[i + 1]} form={form} isOpen={open === record.id} onOpen={setOpen} />
          ))}
        </ol>
      )}
      {older.problem && <ProblemNote of={older.problem} onRetry={() => void goBack()} />}
      {records.length > 0 && (
        <div className="topics-older">
          <span className="dim" role="status">{older.busy ? "Asking for older messages…" : `${count(records.length)} shown${hasOlder ? "" : ": there are no older ones"}`}</span>
          {hasOlder && <Button disabled={older.busy || asked.loading} onClick={() => void goBack()}>Show older messages</Button>}
        </div>
      )}
    </Panel>
  );
}

const ahead_ms = 5000; // clocks differ by a little

/** @param onOpen  given its id, or nothing to close it */
const Message = memo(function Message({ record, before, form, isOpen, onOpen }: {
  record: LiveRecord;
  before: LiveRecord | undefined;
  form: Form;
  isOpen: boolean;
  onOpen: (id: string) => void;
}) {
  const time = msOf(record.timestamp), ahead = time - msOf(record.received_at);
  const changes = useMemo(() => (before === undefined ? [] : changesOf(before.payload, record.payload)), [record, before]);
  const apart = before === undefined ? "" : apartText(time - msOf(before.timestamp));
  return (
    <li className="topics-message">
      <button type="button" className="topics-message-head" aria-expanded={isOpen} onClick={() => onOpen(isOpen ? "" : record.id)}>
        <time className="numbers" dateTime={record.timestamp}>{exact(time)}</time>
        <span className="dim numbers">{apart}</span>
        <span className="topics-changes">
          {record.retained && <Pill>retained</Pill>}
          {ahead > ahead_ms && <Pill kind="warn">{span(ahead)} ahead of its receipt</Pill>}
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
      {isOpen && (
        <div className="topics-payload">
          <pre tabIndex={0} aria-label="Payload">
            {form === "json" ? <Text of={jsonOf(record.payload)} lines max={100_000} />
              : form === "text" ? <Text of={brief(record.payload)} lines max={100_000} />
                : hexOf(record.payload)}
          </pre>
          <dl>
            <div><dt>Received</dt><dd className="numbers">{exact(msOf(record.received_at))}</dd></div>
            <div><dt>Id</dt><dd className="mono">{record.id}</dd></div>
            <div><dt>Schema</dt><dd>{record.schema === null ? "none" : <Text of={record.schema} />}</dd></div>
          </dl>
        </div>
      )}
    </li>
  );
});

const apartText = (ms: number) => `${ms < 0 ? "−" : "+"}${span(Math.abs(ms), true)}`;

function ChangeText({ of }: { of: Change }) {
  return (
    <span className="topics-change">
      <span className="dim"><Text of={of.path} max={80} /></span>{" "}
      {of.after === undefined ? <del><Text of={of.before ?? ""} max={60} /></del> : <Text of={of.after} max={60} />}
      {of.by !== undefined && <span className={of.by.startsWith("+") ? "topics-up" : "topics-down"}> {of.by}</span>}
    </span>
  );
}
