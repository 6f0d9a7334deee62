// SPDX-License-Identifier: Apache-2.0
import { useMemo, useState } from "react";
import { api, type AnswerOf } from "../../api/client";
import { useAsk, useNow, useTyped } from "../../app/hooks";
import { count, exact, short, span } from "../../app/format";
import { useQueryState, useRoute } from "../../app/router";
import { Button, Empty, Facts, Field, Link, Loading, Note, Panel, Pill, ProblemNote, Select, Table, Text, type Column } from "../../ui";
import { DevicePage } from "./DevicePage";
import "./devices.css";

export type Device = AnswerOf<"/api/devices">["data"][number];

const devices_max = 10_000;
const many = 1000; // from here on it asks less often
const page = 200;

const silences = [
  { value: "", text: "All devices" },
  { value: "60", text: "Silent for 1 min" },
  { value: "600", text: "Silent for 10 min" },
  { value: "3600", text: "Silent for 1 h" },
  { value: "86400", text: "Silent for 1 d" },
];

export default function Devices() {
  const device = useRoute().query.get("device");
  return device === null ? <DeviceList /> : <DevicePage key={device} name={device} />;
}

const ranks: Record<string, (device: Device) => string | number> = {
  device: (device) => device.device,
  last_seen: (device) => Date.parse(device.last_seen),
  rate: (device) => device.rate_per_minute,
  messages: (device) => device.messages,
  gaps: (device) => device.gaps,
  missing: (device) => device.missing,
  resets: (device) => device.resets,
  clock: (device) => device.clock_trouble,
};

/** A count that is good when it is 0. */
const Trouble = ({ of }: { of: number }) =>
  of === 0 ? <span className="dim">0</span> : <span className="devices-trouble">{count(of)}</span>;

function DeviceList() {
  const [{ search, silent, sort }, set] = useQueryState({ search: "", silent: "", sort: "device" });
  const typed = useTyped(search, (text) => set({ search: text }), 250);
  const [rate, setRate] = useState(5000);
  const asked = useAsk(search, async (signal) => {
    const answer = await api.get("/api/devices", { query: { search, limit: devices_max }, signal });
    setRate(answer.data.length > many ? 30_000 : 5000);
    return answer;
  }, rate);
  const [shown, setShown] = useState(page);
  const now = useNow(5000);
  const isDown = sort.startsWith("-");
  const by = isDown ? sort.slice(1) : sort;
  const all = asked.data?.data;
  const rows = useMemo(() => {
    const rank = ranks[by] ?? ranks.device!;
    const edge = silent === "" ? Infinity : now - Number(silent) * 1000;
    return (all ?? [])
      .filter((device) => Date.parse(device.last_seen) < edge)
      .sort((a, b) => {
        const [x, y] = [rank(a), rank(b)];
        return (x < y ? -1 : x > y ? 1 : 0) * (isDown ? -1 : 1) || (a.device < b.device ? -1 : 1);
      });
  }, [all, by, isDown, silent, silent === "" ? 0 : now]);
  // Names rise at first, and so do times: the first of them has been silent for longest.
  const onSort = (name: string) => {
    const first = name === "device" || name === "last_seen" ? name : `-${name}`;
    set({ sort: sort === first ? (first.startsWith("-") ? name : `-${name}`) : first });
  };
  const columns: Column<Device>[] = [
    { name: "device", title: "Device", sorts: true, cell: (device) => <Link to="devices" query={{ device: device.device }}><Text of={device.device} max={200} /></Link> },
    {
      name: "last_seen",
      title: "Last seen",
      sorts: true,
      cell: (device) => {
        const ms = Date.parse(device.last_seen);
        return <span className="devices-when" title={device.last_seen}>{span(now - ms)} ago</span>;
      },
    },
    { name: "rate", title: "A minute", number: true, sorts: true, cell: (device) => short(device.rate_per_minute) },
    { name: "messages", title: "Messages", number: true, sorts: true, cell: (device) => count(device.messages) },
    { name: "topics", title: "Topics", number: true, cell: (device) => count(device.topics) },
    { name: "gaps", title: "Gaps", number: true, sorts: true, cell: (device) => <Trouble of={device.gaps} /> },
    { name: "missing", title: "Missing", number: true, sorts: true, cell: (device) => <Trouble of={device.missing} /> },
    { name: "resets", title: "Resets", number: true, sorts: true, cell: (device) => <Trouble of={device.resets} /> },
    { name: "clock", title: "Wrong clock", number: true, sorts: true, cell: (device) => <Trouble of={device.clock_trouble} /> },
  ];
  const some = (test: (device: Device) => boolean) => count((all ?? []).filter(test).length);
  const isAll = search === "" && silent === "";
  return (
    <>
      <div className="devices-ask">
        <Field label="Search" type="search" placeholder="Part of a device's name" {...typed.input} />
        <Select label="Show" options={silences} value={silent} onChange={(event) => set({ silent: event.target.value, sort: event.target.value === "" ? sort : "last_seen" })} />
      </div>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {asked.data?.next_cursor && <Note kind="warn"><p>There are more than {count(devices_max)} devices. Search for a part of the name to see the others.</p></Note>}
      {!asked.data && asked.loading && <Loading />}
      {asked.data && rows.length === 0 && (
        <Empty title={isAll ? "No device has been seen yet" : search === "" ? "No device is silent for so long" : "No device is called so"}>
          <p>
            {isAll
              ? "A device is known once a message of it has come since the gateway started, and a schema names it: {device} in its topic_pattern, such as sensors/{device}/temperature."
              : "Only devices that were seen since the gateway started are known here."}
          </p>
          {isAll ? <Link className="button" to="schemas">Schemas</Link>
            : <Button onClick={() => { typed.set(""); set({ search: "", silent: "" }); }}>Show all devices</Button>}
        </Empty>
      )}
      {asked.data && rows.length > 0 && (
        <>
          <Panel>
            <Facts of={[
              ["Devices", count(asked.data.data.length)],
              ["Silent for 10 min", some((one) => now - Date.parse(one.last_seen) > 600_000)],
              ["With gaps", some((one) => one.gaps > 0)],
              ["With resets", some((one) => one.resets > 0)],
              ["With a wrong clock", some((one) => one.clock_trouble > 0)],
            ]} />
          </Panel>
          <Panel title="Devices, counts since the gateway started" flush>
            <Table caption="Devices" columns={columns} rows={rows.slice(0, shown)} keyOf={(device) => device.device} sort={{ by, down: isDown }} onSort={onSort} />
          </Panel>
          {rows.length > shown && (
            <div className="row">
              <span className="dim" role="status">{count(shown)} of {count(rows.length)} shown</span>
              <Button onClick={() => setShown(shown + page)}>Show more</Button>
            </div>
          )}
        </>
      )}
    </>
  );
}

/** How long a device has said nothing, and when that was. */
export function Silence({ of, now }: { of: string; now: number }) {
  const ms = Date.parse(of);
  const silent = now - ms;
  return (
    <>
      {span(silent)} ago <span className="devices-at dim">{exact(ms)}</span>{" "}
      {silent > 600_000 && <Pill kind="warn">silent</Pill>}
    </>
  );
}
