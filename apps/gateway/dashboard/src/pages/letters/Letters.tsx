// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { api, type AnswerOf } from "../../api/client";
import { useAsk, useNow, useTyped } from "../../app/hooks";
import { bytes, clock, count, exact, span } from "../../app/format";
import { useQueryState, useRoute } from "../../app/router";
import { Button, Empty, Field, Link, Loading, Panel, Pill, ProblemNote, Select, Table, Text, type Column } from "../../ui";
import { titleOf } from "../schemas/remedies";
import { LetterPage } from "./LetterPage";
import "./letters.css";
import { useLetters, type Letter } from "./useLetters";

type Group = AnswerOf<"/api/dead_letters/summary">["data"][number];

const spans = [
  { value: "", text: "All that are kept" },
  { value: "1h", text: "Last hour" },
  { value: "24h", text: "Last 24 hours" },
  { value: "7d", text: "Last 7 days" },
  { value: "30d", text: "Last 30 days" },
];

export default function Letters() {
  const id = useRoute().query.get("letter");
  return id === null ? <LetterList /> : <LetterPage key={id} id={id} />;
}

function LetterList() {
  const [state, set] = useQueryState({ topic: "", start: "", schema: "", reason: "" });
  const typed = useTyped(state.topic, (topic) => set({ topic: topic.trim() }));
  const summary = useAsk(`${state.topic} ${state.start}`, (signal) =>
    api.get("/api/dead_letters/summary", { query: { topic: state.topic, start: state.start }, signal }), 10_000);
  const wrong = summary.problem?.parts.find((part) => part.parameter === "topic");
  const total = summary.data?.data.reduce((sum, group) => sum + group.messages, 0) ?? 0;
  const isAll = state.topic === "" && state.start === "";
  return (
    <>
      <div className="letters-ask">
        <Field label="Topic filter" placeholder="all topics: sensors/+/temperature, house/#" {...typed.input} hint="Enter takes it"
          wrong={wrong && `${wrong.detail}${wrong.hint ? ` ${wrong.hint}` : ""}`} />
        <Select label="Received" options={spans} value={state.start} onChange={(event) => set({ start: event.target.value })} />
      </div>
      {summary.problem && !wrong && <ProblemNote of={summary.problem} onRetry={summary.reload} />}
      {summary.data && total === 0 ? (
        <Empty title={isAll ? "No dead letters" : "No dead letters here"}>
          <p>
            {isAll
              ? "Every message that has come fits its schema. One that does not is kept here, with what is wrong with it."
              : "No message of these topics and this time was refused."}
          </p>
          {!isAll && <Button onClick={() => set({ topic: "", start: "", schema: "", reason: "" })}>Show all letters</Button>}
        </Empty>
      ) : (
        <>
          {summary.data ? <Groups of={summary.data.data} /> : <Loading />}
          {!wrong && <List state={state} />}
        </>
      )}
    </>
  );
}

const groups_shown = 10;

function Groups({ of }: { of: readonly Group[] }) {
  const [state] = useQueryState({ topic: "", start: "", schema: "", reason: "" });
  const now = useNow();
  const [all, setAll] = useState(false);
  const isChosen = (group: Group) => state.reason === group.reason && state.schema === (group.schema ?? "");
  const columns: Column<Group>[] = [
    {
      name: "reason",
      title: "Reason",
      cell: (group) => (
        <Link className="letters-group" to="letters" aria-current={isChosen(group) ? "true" : undefined}
          query={isChosen(group) ? { ...state, schema: "", reason: "" } : { ...state, schema: group.schema ?? "", reason: group.reason }}>
          {titleOf(group.reason)}
          <span className="unseen">{isChosen(group) ? ", chosen: show all letters again" : ": show these letters"}</span>
        </Link>
      ),
    },
    { name: "schema", title: "Schema", cell: (group) => group.schema === null ? <span className="dim">none</span> : <Text of={group.schema} /> },
    { name: "messages", title: "Letters", number: true, cell: (group) => count(group.messages) },
    { name: "topics", title: "Topics", number: true, cell: (group) => count(group.topics) },
    { name: "newest", title: "Newest", number: true, cell: (group) => `${span(now - Date.parse(group.newest))} ago` },
    {
      name: "example",
      title: "Such as",
      cell: (group) => {
        const fault = group.example.problems[0];
        return (
          <span className="letters-example">
            {fault?.path && <code><Text of={fault.path} max={100} /> </code>}
            {fault && <Text of={fault.message} max={160} />}
          </span>
        );
      },
    },
  ];
  const chosen = of.filter(isChosen);
  const isCut = chosen.length === 0 && !all && of.length > groups_shown;
  const rows = chosen.length > 0 ? chosen : isCut ? of.slice(0, groups_shown) : of;
  return (
    <Panel title="Why messages were refused" flush
      tools={chosen.length > 0
        ? <Link className="button" to="letters" query={{ ...state, schema: "", reason: "" }}>All reasons</Link>
        : of.length > groups_shown && <Button aria-expanded={all} onClick={() => setAll(!all)}>{all ? "The most frequent" : `All ${of.length}`}</Button>}>
      <Table caption="Dead letters by schema and reason" columns={columns} rows={rows} keyOf={(group) => `${group.schema} ${group.reason}`} />
    </Panel>
  );
}

function List({ state }: { state: { topic: string; start: string; schema: string; reason: string } }) {
  const isChosen = state.reason !== "";
  const { letters, cursor, loading, problem, more, reload } = useLetters({
    topic: state.topic,
    start: state.start,
    reason: state.reason,
    schema: isChosen && state.schema === "" ? "none" : state.schema,
  });
  const columns: Column<Letter>[] = [
    {
      name: "received",
      title: "Received",
      cell: (letter) => (
        <Link to="letters" query={{ ...state, letter: letter.id }} title={letter.received_at} aria-label={`Letter of ${exact(Date.parse(letter.received_at))}`}>
          {clock(Date.parse(letter.received_at))}
        </Link>
      ),
    },
    { name: "topic", title: "Topic", cell: (letter) => <code><Text of={letter.topic} max={200} /></code> },
    {
      name: "what",
      title: "What is wrong",
      cell: (letter) => (
        <span className="letters-example">
          {letter.problems.slice(0, 2).map((fault, i) => (
            <span key={i}>
              {i > 0 && "; "}
              {fault.path && <code><Text of={fault.path} max={100} /> </code>}
              <Text of={fault.message} max={160} />
            </span>
          ))}
          {letter.problems.length > 2 && ` and ${letter.problems.length - 2} more`}
          {letter.problems.length === 0 && titleOf(letter.reason)}
        </span>
      ),
    },
    { name: "bytes", title: "Size", number: true, cell: (letter) => bytes(letter.bytes) },
  ];
  return (
    <Panel flush
      title={isChosen
        ? <>Letters: {titleOf(state.reason)} {state.schema !== "" && <Pill><Text of={state.schema} /></Pill>}</>
        : "Letters, newest first"}
      tools={<>
        <Button icon="reload" onClick={reload}>Newest</Button>
      </>}>
      {letters.length > 0 && <Table caption="Dead letters" columns={columns} rows={letters} keyOf={(letter) => letter.id} />}
      {problem && <ProblemNote of={problem} onRetry={more} />}
      {letters.length === 0 && !loading && !problem && (
        <Empty title="No such letter is kept any more">
          <p>The oldest make room for new ones.</p>
        </Empty>
      )}
      <div className="letters-more">
        <span className="dim" role="status">{loading ? "Asking for letters…" : `${count(letters.length)} shown`}</span>
        {cursor !== null && !loading && <Button onClick={more}>Show more</Button>}
      </div>
    </Panel>
  );
}
