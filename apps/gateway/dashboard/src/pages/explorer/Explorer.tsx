// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { addressOf, api } from "../../api/client";
import { mayDo, session } from "../../api/session";
import { AheadNote } from "../../app/ahead";
import { clock } from "../../app/format";
import { useAsk, useColumns, useSize } from "../../app/hooks";
import { navigate, useRoute } from "../../app/router";
import { useStore } from "../../app/store";
import { Button, Choices, Empty, Icon, IconButton, Loading, Note, Panel, ProblemNote, RefusedNote, Select, Text } from "../../ui";
import { PinDialog } from "../boards/PinDialog";
import { series_max } from "./feed";
import { Fields } from "./Fields";
import { Picker } from "./Picker";
import { Plots, useNames } from "./Plots";
import { Points } from "./Points";
import { patternsOf, proposeDevices, proposeTopics } from "./propose";
import { chosenOf, isLive, isQuery, isRelative, queryOf, selectionOf, spanOf, start_default, textOf, zoomed, type Chosen, type View } from "./query";
import { Range } from "./Range";
import { Stats } from "./Stats";
import { useFeed } from "./useFeed";
import "./explorer.css";

const views: { value: View; text: string }[] = [
  { value: "chart", text: "Chart" }, { value: "table", text: "Table" }, { value: "stats", text: "Statistics" },
];
const gap_options = [
  { value: "", text: "Where 5 points are missing" }, { value: "10s", text: "After 10 seconds" }, { value: "1m", text: "After a minute" },
  { value: "10m", text: "After 10 minutes" }, { value: "1h", text: "After an hour" }, { value: "never", text: "Never" },
];
const compare_options = [
  { value: "", text: "Nothing" }, { value: "1h", text: "The hour before" }, { value: "1d", text: "The day before" }, { value: "7d", text: "The week before" },
];
const withOther = (options: { value: string; text: string }[], value: string) =>
  options.some((one) => one.value === value) ? options : [...options, { value, text: value }];
/** Parameters that have a field of their own, where what is wrong with them is said. */
const own = ["topic", "device", "where", "start", "end", "fields"];

export default function Explorer() {
  const { query } = useRoute();
  const chosen = useMemo(() => chosenOf(query), [query]);
  const set = (change: Partial<Chosen>) => navigate("explorer", queryOf({ ...chosen, ...change }));
  const who = useStore(session);
  const [isPinning, setPinning] = useState(false);
  const [box, size] = useSize<HTMLDivElement>();
  const columns = useColumns(size.width); // the axes take some of it;
  const shown = useFeed(chosen, columns);
  const { feed, version, problem } = shown;
  const { names, order } = useNames(feed);
  const wrongOf = (name: string) => {
    const part = problem?.parts.find((one) => one.parameter === name);
    return part && [part.detail, part.hint].filter(Boolean).join(". ");
  };
  const wrong = {
    start: shown.wrong?.field === "start" ? shown.wrong.wrong : wrongOf("start"),
    end: shown.wrong?.field === "end" ? shown.wrong.wrong : wrongOf("end"),
  };
  const isSaid = problem !== undefined && problem.parts.length > 0 && problem.parts.every((one) => own.includes(one.parameter));
  const live = isLive(chosen), hasTimes = shown.wrong === undefined;
  const zoom = (start: number, end: number) => navigate("explorer", queryOf(zoomed(chosen, start, end)));
  const move = (from: number, to: number) => {
    const { start, end } = feed.window, width = end - start;
    zoom(start + from * width, end + to * width);
  };
  const exported = (format: string) => addressOf("/api/export", { ...selectionOf(chosen, feed.window), format });
  const hasSeries = feed.tracks.length > 0 && shown.ready;
  const room = Math.min(720, Math.max(240, window.innerHeight * 0.45));
  return (
    <div className="stack">
      <Panel title="Query" tools={
        <div className="row">
          {mayDo(who, "operator") && <Button icon="pin" disabled={!isQuery(chosen)} onClick={() => setPinning(true)}>Pin to a board</Button>}
          {hasSeries && <a className="button" href={exported("csv")}><Icon name="download" />CSV</a>}
          {hasSeries && <a className="button" href={exported("jsonl")}><Icon name="download" />JSON lines</a>}
        </div>
      }>
        <div className="explorer-form">
          <Picker label="Topics" one="topic" values={chosen.topics} onChange={(topics) => set({ topics, fields: [] })} propose={proposeTopics}
            placeholder="Part of a name, or a/+/b" wrong={wrongOf("topic")} />
          <Picker label="Devices" one="device" values={chosen.devices} onChange={(devices) => set({ devices })} propose={proposeDevices}
            placeholder="All" wrong={wrongOf("device")} />
          <Picker label="Conditions" one="condition" values={chosen.where} onChange={(where) => set({ where })} placeholder="temperature > 30"
            wrong={wrongOf("where")} hint="All of them must hold" />
          <Range chosen={chosen} onChange={set} wrong={wrong} />
        </div>
        <Fields chosen={chosen} feed={feed} version={version} onChange={(fields) => set({ fields })} wrong={wrongOf("fields")} />
      </Panel>

      <div className="row explorer-bar">
        <Choices label="View" options={views} value={chosen.view} onChange={(view) => set({ view })} />
        <Button icon={live ? "pause" : "live"} aria-pressed={live}
          onClick={() => set(live ? { live: false } : { live: true, ...(!isRelative(chosen) && { start: start_default, end: "" }) })}>
          Live
        </Button>
        <div className="row" role="group" aria-label="Move and zoom">
          <IconButton icon="left" label="Earlier by half" kind="plain" disabled={!hasTimes} onClick={() => move(-0.5, -0.5)} />
          <IconButton icon="right" label="Later by half" kind="plain" disabled={!hasTimes} onClick={() => move(0.5, 0.5)} />
          <IconButton icon="plus" label="Zoom in" kind="plain" disabled={!hasTimes} onClick={() => move(0.25, -0.25)} />
          <IconButton icon="minus" label="Zoom out" kind="plain" disabled={!hasTimes} onClick={() => move(-0.5, 0.5)} />
          {isRelative(chosen) && !live && <IconButton icon="reload" label="Ask again, up to now" kind="plain" onClick={shown.reload} />}
        </div>
        {!isRelative(chosen) && <Button icon="live" onClick={() => set({ start: start_default, end: "" })}>Back to now</Button>}
        {hasSeries && <span className="dim numbers">{clock(feed.window.start)} to {clock(feed.window.end)}</span>}
      </div>

      <div ref={box} className="stack">
        {problem && !isSaid && <ProblemNote of={problem} onRetry={shown.reload} />}
        <RefusedNote why={shown.refused} />
        <AheadNote at={shown.ahead} onShow={() => zoom(feed.window.start, shown.ahead! + 1000)} />
        {feed.more && hasSeries && <Note><p>There are more than these {feed.tracks.length < series_max ? "" : series_max} series. Choose fewer topics or fields to see the others.</p></Note>}
        {!isQuery(chosen) ? (
          <Begin onTopic={(topic) => set({ topics: [topic] })} />
        ) : !hasTimes ? null : !shown.ready ? (
          !problem && <Loading what="Asking for the numbers" />
        ) : !hasSeries ? (
          !problem && (
            <Empty title="No numbers in this time">
              <p>{chosen.where.length > 0 ? "No message fulfils the conditions. Remove one, or choose a longer time." : "These topics had no message with a number in it. Choose a longer time or other topics."}</p>
              <Button onClick={() => set({ start: "7d", end: "" })}>Show the last 7 days</Button>
            </Empty>
          )
        ) : chosen.view === "table" ? (
          <Points feed={feed} names={names} version={version} />
        ) : chosen.view === "stats" ? (
          <Stats feed={feed} chosen={chosen} names={names} order={order} version={version} />
        ) : (
          <section className="panel explorer-chart" aria-label="Chart">
            <Plots feed={feed} version={version} height={room} gaps={chosen.gaps} onZoom={zoom} />
            <div className="row explorer-below">
              <Select label="Break the line" options={withOther(gap_options, chosen.gaps)} value={chosen.gaps} onChange={(event) => set({ gaps: event.target.value })} />
              <Select label="Compare with (dashed)" options={withOther(compare_options, chosen.compare)} value={chosen.compare} onChange={(event) => set({ compare: event.target.value })} />
              <p className="dim grow">Drag to look closer. In the chart: arrows go along the points, + and − zoom, Page up and Page down move by half.
                {spanOf(chosen.compare) !== undefined && feed.before.length === 0 && " There is nothing to compare with: no numbers that long before."}</p>
            </div>
          </section>
        )}
      </div>
      {isPinning && <PinDialog query={textOf(chosen)} title={[...chosen.topics, ...chosen.devices].join(", ").slice(0, 100)} onClose={() => setPinning(false)} />}
    </div>
  );
}

/** Nothing is chosen yet: what there is. */
function Begin({ onTopic }: { onTopic: (topic: string) => void }) {
  const asked = useAsk("begin", (signal) => api.get("/api/topics", { query: { order: "rate", limit: 200 }, signal }));
  const names = asked.data?.data.map((one) => one.topic) ?? [];
  const some = [...patternsOf(names).slice(0, 4), ...names.slice(0, 4)];
  return (
    <Empty title="Choose what to look at">
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {some.length > 0 ? (
        <>
          <p>Type a part of a topic above, or begin with one of these. A + stands for any name at its level.</p>
          <div className="row explorer-begin">
            {some.map((one) => <Button key={one} onClick={() => onTopic(one)}><Text of={one} max={100} /></Button>)}
          </div>
        </>
      ) : asked.data && (
        <>
          <p>No message has come yet. Send one to a topic that the gateway subscribes to:</p>
          <code>{"mosquitto_pub -t sensors/sensor-001/temperature -m '{\"temperature\":21.5}'"}</code>
        </>
      )}
    </Empty>
  );
}
