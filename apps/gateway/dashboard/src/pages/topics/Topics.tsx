// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useState } from "react";
import { api } from "../../api/client";
import { count } from "../../app/format";
import { useAsk, useTyped } from "../../app/hooks";
import { navigate, useQueryState } from "../../app/router";
import { useStore } from "../../app/store";
import { Button, Empty, Field, IconButton, Link, Loading, Note, Panel, ProblemNote, Text } from "../../ui";
import { pins, togglePin } from "./pins";
import { TopicTree } from "./TopicTree";
import { TopicView } from "./TopicView";
import type { Topic } from "./tree";
import "./topics.css";

const page_size = 10_000;
const topics_max = 100_000; // beyond that a search is needed

/** Milliseconds until the topics are asked for again: the more, the rarer. */
const pauseAfter = (topics: number) => (topics > 20_000 ? 120_000 : topics > 2000 ? 30_000 : 5000);

async function allTopics(search: string, signal: AbortSignal): Promise<{ topics: Topic[]; more: boolean }> {
  const topics: Topic[] = [];
  for (let cursor: string | null | undefined; ; ) {
    const page = await api.get("/api/topics", {
      query: { ...(search && { search }), limit: page_size, ...(cursor && { cursor }) },
      signal,
    });
    topics.push(...page.data);
    cursor = page.next_cursor;
    if (cursor === null) return { topics, more: false };
    if (topics.length >= topics_max) return { topics, more: true };
  }
}

export default function Topics() {
  const [state, setState] = useQueryState({ topic: "", search: "" });
  const { search } = state;
  const typed = useTyped(search, (text) => setState({ search: text }));
  const [many, setMany] = useState(0);
  const asked = useAsk(`topics ${search}`, (signal) => allTopics(search, signal), pauseAfter(many));
  useEffect(() => setMany(asked.data?.topics.length ?? 0), [asked.data]);
  const pinned = useStore(pins);
  const select = (topic: string) => navigate("topics", { search: search, topic });
  const topics = asked.data?.topics ?? [];
  const pinnedTopics = useMemo(() => {
    const known = new Map(topics.map((one) => [one.topic, one]));
    return pinned.map((name) => ({ name, topic: known.get(name) }));
  }, [topics, pinned]);
  return (
    <div className={state.topic === "" ? "topics topics-all" : "topics topics-one"}>
      <Panel title="Topics" flush tools={<span className="dim numbers">{asked.data && count(topics.length)}{asked.data?.more && " and more"}</span>}>
        <div className="topics-search">
          <Field label="Search in topic names" bare type="search" placeholder="Search" {...typed.input} />
        </div>
        {pinnedTopics.length > 0 && (
          <ul className="topics-pins" aria-label="Pinned topics">
            {pinnedTopics.map((one) => (
              <li key={one.name} className="topics-pin">
                <Link to="topics" query={{ search: search, topic: one.name }} aria-current={one.name === state.topic ? "true" : undefined}>
                  <Text of={one.name} max={200} />
                </Link>
                <IconButton icon="close" label="Unpin" onClick={() => togglePin(one.name)} />
              </li>
            ))}
          </ul>
        )}
        {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
        {asked.data?.more && <Note><p>There are more topics than this page holds: search for a part of the name.</p></Note>}
        {asked.data === undefined ? (
          !asked.problem && <Loading what="Asking for the topics" />
        ) : topics.length > 0 ? (
          <TopicTree label="Topics" topics={topics} selected={state.topic} searching={search !== ""} onSelect={select} />
        ) : search !== "" ? (
          <Empty title="No topic has this in its name">
            <p>Try a shorter part of the name. Upper and lower case do not matter.</p>
            <Button onClick={() => setState({ search: "" })}>Show all topics</Button>
          </Empty>
        ) : (
          <Empty title="No message has come yet">
            <p>Send one to a topic that the gateway subscribes to:</p>
            <code>{"mosquitto_pub -t sensors/sensor-001/temperature -m '{\"temperature\":21.5}'"}</code>
          </Empty>
        )}
      </Panel>
      {state.topic !== "" && (
        <TopicView key={state.topic} name={state.topic} topic={topics.find((one) => one.topic === state.topic)}
          onClose={() => navigate("topics", { search: search })} />
      )}
    </div>
  );
}
