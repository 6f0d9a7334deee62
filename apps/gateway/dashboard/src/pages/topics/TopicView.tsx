// SPDX-License-Identifier: Apache-2.0
import { useCallback, useRef, useState } from "react";
import { api, type AnswerOf } from "../../api/client";
import type { LiveRecord } from "../../api/live";
import { clock, count, short, span } from "../../app/format";
import { useAsk, useLive, useNow } from "../../app/hooks";
import { useQueryState } from "../../app/router";
import { useStore } from "../../app/store";
import { IconButton, Link, Panel, Pill, RefusedNote, Tabs, Text, toast } from "../../ui";
import { Charts } from "./Charts";
import { Messages } from "./Messages";
import { pins, togglePin } from "./pins";
import type { Topic } from "./tree";

const kept_max = 2000, spare = 1000;
const told_ms = 250;

/** What came live. */
export interface Arrivals {
  /** Oldest first. */
  records: readonly LiveRecord[];
  /** When each of them came. */
  at: readonly number[];
  /** Changes when messages before these are not all among what was asked for: it is to be asked again. */
  turn: number;
  /** How many came since the page was opened, with those that are not kept. */
  come: number;
}

/** What came while the page was open, told a few times a second. */
function useArrivals(topic: string): Arrivals & { refused: string } {
  const all = useRef<LiveRecord[]>([]);
  const at = useRef<number[]>([]);
  const [shown, setShown] = useState<Arrivals>({ records: [], at: [], turn: 0, come: 0 });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const turn = useRef(0);
  const come = useRef(0);
  const tell = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      setShown({ records: [...all.current], at: [...at.current], turn: turn.current, come: come.current });
    }, told_ms);
  }, []);
  const anew = () => {
    turn.current += 1;
    tell();
  };
  // With the newest stored message comes what is not stored yet.
  const refused = useLive({ topics: [topic], last_values: true }, {
    onRecords: (records, areLast) => {
      if (areLast) return;
      all.current.push(...records);
      at.current.push(...records.map(Date.now));
      come.current += records.length;
      if (all.current.length > kept_max + spare) {
        all.current.splice(0, all.current.length - kept_max);
        at.current.splice(0, at.current.length - kept_max);
        turn.current += 1;
      }
      tell();
    },
    onBegin: anew,
    onGap: () => {
      all.current = [];
      at.current = [];
      anew();
    },
  });
  return { ...shown, refused };
}

type Tab = "charts" | "messages";
const tabs = [{ value: "charts", text: "Charts" }, { value: "messages", text: "Messages" }] as const;

export function TopicView({ name, topic, onClose }: { name: string; topic: Topic | undefined; onClose: () => void }) {
  const [state, setState] = useQueryState({ tab: "charts" });
  const arrivals = useArrivals(name);
  const pinned = useStore(pins).includes(name);
  const which = useAsk(`which ${name}`, (signal) => api.get("/api/schemas/which", { query: { topic: name }, signal }), 30_000);
  const copy = () =>
    navigator.clipboard.writeText(name).then(
      () => toast("The name of the topic is in the clipboard."),
      () => toast("The browser does not let this page write to the clipboard: select the name and copy it.", true),
    );
  const tab: Tab = state.tab === "messages" ? "messages" : "charts";
  return (
    <div className="stack topics-view">
      <Panel
        title={<span className="topics-title"><Text of={name} max={300} /></span>}
        tools={
          <span className="row">
            <IconButton icon="pin" label={pinned ? "Unpin" : "Pin"} aria-pressed={pinned} onClick={() => togglePin(name)} />
            <IconButton icon="copy" label="Copy the name" onClick={() => void copy()} />
            <IconButton icon="close" label="Back to all topics" onClick={onClose} />
          </span>
        }>
        <RefusedNote why={arrivals.refused} />
        <Facts topic={topic} which={which.data} newest={arrivals.records.at(-1)} />
      </Panel>
      <div>
        <Tabs label="What to see of the topic" tabs={tabs} open={tab} onOpen={(value) => setState({ tab: value })}>
          <div className="topics-tab">
            {tab === "charts" ? <Charts topic={name} arrivals={arrivals} /> : <Messages topic={name} arrivals={arrivals} />}
          </div>
        </Tabs>
      </div>
    </div>
  );
}

function Facts({ topic, which, newest }: { topic: Topic | undefined; which: AnswerOf<"/api/schemas/which"> | undefined; newest: LiveRecord | undefined }) {
  const now = useNow();
  const seen = newest ? Date.parse(newest.received_at) : topic?.last_seen ? Date.parse(topic.last_seen) : undefined;
  const device = which?.device ?? topic?.device;
  return (
    <dl className="topics-facts numbers">
      <div>
        <dt>Last message</dt>
        <dd title={seen === undefined ? undefined : clock(seen)}>{seen === undefined ? "none yet" : `${span(now - seen)} ago`}</dd>
      </div>
      <div>
        <dt>Rate</dt>
        <dd>{topic ? `${short(topic.rate_per_minute)}/min` : "–"}</dd>
      </div>
      <div>
        <dt>Since the start</dt>
        <dd>
          {topic ? count(topic.messages) : "–"} {topic !== undefined && topic.invalid > 0 && <Pill kind="bad">{count(topic.invalid)} invalid</Pill>}
        </dd>
      </div>
      <div>
        <dt>Device</dt>
        <dd>{device ? <Text of={device} max={200} /> : "–"}</dd>
      </div>
      <div>
        <dt>Judged by</dt>
        <dd>
          {which === undefined ? "…" : which.schema === null ? "no schema" : (
            <Link to="schemas" query={{ schema: which.schema }}><Text of={`${which.schema} ${which.version ?? ""}`} max={200} /></Link>
          )}
          {which !== undefined && which.candidates.length > 1 && <span className="dim"> of {which.candidates.length} that fit</span>}
        </dd>
      </div>
    </dl>
  );
}
