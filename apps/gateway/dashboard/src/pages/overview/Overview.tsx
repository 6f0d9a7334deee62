// SPDX-License-Identifier: Apache-2.0
import { api, type AnswerOf } from "../../api/client";
import { seesAll, session } from "../../api/session";
import { bytes, count, counted, short, span } from "../../app/format";
import { useAsk, useNow } from "../../app/hooks";
import { useStore } from "../../app/store";
import { Empty, Link, Loading, Note, Panel, Pill, ProblemNote, Spark, Table, Text } from "../../ui";
import { every_ms, measure, rates, room, type Counter, type Stats } from "./history";
import "./overview.css";

export default function Overview() {
  const who = useStore(session);
  return (
    <>
      <Health />
      {seesAll(who) ? (
        <Numbers />
      ) : (
        <Note>
          <p>You see the topics of your scope. Numbers over all topics are for people without a scope.</p>
        </Note>
      )}
      <Noisiest />
    </>
  );
}

function Health() {
  const health = useAsk("health", (signal) => api.get("/api/health", { signal, alsoFine: [503] }), every_ms);
  if (health.data === undefined)
    return health.problem ? <ProblemNote of={health.problem} onRetry={health.reload} /> : <Loading what="Asking for the health" />;
  const { status, reasons = [], warnings = [], version, uptime_s } = health.data;
  return (
    <Panel
      title={<span className="row">Health {status === "ok" ? <Pill kind="ok">Takes and stores messages</Pill> : <Pill kind="bad">Degraded</Pill>}</span>}
      tools={
        <span className="dim numbers">
          {version !== undefined && `Version ${version}`}
          {uptime_s !== undefined && `, running for ${span(uptime_s * 1000)}`}
        </span>
      }>
      {reasons.length + warnings.length === 0 ? (
        <p className="dim">{status === "ok" ? "Nothing to do." : "The reasons are shown to people without a scope."}</p>
      ) : (
        <ul className="overview-reasons">
          {reasons.map((one) => (
            <li key={one}><Pill kind="bad">Trouble</Pill> <Text of={one} /></li>
          ))}
          {warnings.map((one) => (
            <li key={one}><Pill kind="warn">Warning</Pill> <Text of={one} /></li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

const tiles: { counter: Counter; title: string; about: string; bad?: boolean }[] = [
  { counter: "messages_received", title: "Received", about: "from the broker" },
  { counter: "stored", title: "Stored", about: "in the store" },
  { counter: "invalid", title: "Invalid", about: "against their schema", bad: true },
  { counter: "dropped", title: "Dropped", about: "by us or the broker", bad: true },
];

function Numbers() {
  const asked = useAsk("stats", measure, every_ms);
  if (asked.data === undefined)
    return asked.problem ? <ProblemNote of={asked.problem} onRetry={asked.reload} /> : <Loading what="Asking for the counters" />;
  const stats = asked.data;
  return (
    <>
      <div className="overview-tiles">
        {tiles.map((tile) => (
          <Tile key={tile.counter} {...tile} stats={stats} />
        ))}
      </div>
      <div className="overview-parts">
        <Path stats={stats} />
        <Room stats={stats} />
      </div>
    </>
  );
}

const totals: Record<Counter, string[]> = {
  messages_received: ["messages_received"],
  stored: ["messages_stored"],
  invalid: ["validation_errors"],
  dropped: ["messages_dropped", "unmatched_dropped", "broker_dropped", "dead_letters_dropped"],
};
const numberOf = (stats: Stats, name: string) => (typeof stats[name] === "number" ? stats[name] : 0);

function Tile({ counter, title, about, bad = false, stats }: { counter: Counter; title: string; about: string; bad?: boolean; stats: Stats }) {
  const values = rates[counter];
  const now = values.at(-1);
  const total = totals[counter].reduce((sum, name) => sum + numberOf(stats, name), 0);
  const isBad = bad && values.some((one) => one > 0);
  return (
    <section className="panel overview-tile" aria-label={title}>
      <h2>{title} <span className="dim">{about}</span></h2>
      <p className="overview-rate numbers">
        {now === undefined ? "–" : short(now)}
        <span className="dim"> /s</span>
      </p>
      <Spark values={values} room={room} bad={isBad} />
      <p className="dim numbers">{count(total)} since the start</p>
    </section>
  );
}

/** What messages pass, in their order. */
function Path({ stats }: { stats: Stats }) {
  const { journal, consumers } = stats;
  const connected = stats.mqtt_connected === true;
  const full = journal.full === true;
  const rows = [
    {
      name: "Broker",
      state: connected ? <Pill kind="ok">Connected</Pill> : <Pill kind="bad">Not connected</Pill>,
      waits: "",
      time: "",
      about: connected
        ? `${counted(numberOf(stats, "mqtt_connects"), "connection")}, ${counted(numberOf(stats, "subscriptions"), "subscription")}`
        : "Does it run, and are mqtt.broker, mqtt.port and the password right? The log says why it failed last. It is tried again all the time",
    },
    {
      name: "Journal",
      state: full ? <Pill kind="bad">Full</Pill> : <Pill kind="ok">Writes</Pill>,
      waits: count(numberOf(stats, "messages_open")),
      time: `${short(stats.sync.p99_ms)} ms`,
      about: `${counted(Number(journal.segments ?? 0), "segment")}, ${counted(Number(journal.sync_failures ?? 0), "failed sync")}`,
    },
    ...consumers.map((one) => ({
      name: one.name,
      state: one.failing === true ? <Pill kind="bad">Fails</Pill> : Number(one.lag ?? 0) > 1000 ? <Pill kind="warn">Behind</Pill> : <Pill kind="ok">Takes</Pill>,
      waits: count(Number(one.lag ?? 0)),
      time: `${short(one.write.p99_ms)} ms`,
      about: typeof one.last_error === "string" && one.failing === true ? one.last_error : `${count(Number(one.accepted ?? 0))} taken, ${count(Number(one.rejected ?? 0))} rejected, ${counted(Number(one.retries ?? 0), "retry", "retries")}`,
    })),
  ];
  return (
    <Panel title="From the broker to the stores" flush>
      <Table caption="Broker, journal and stores" rows={rows} keyOf={(row) => row.name}
        columns={[
          { name: "name", title: "Part", cell: (row) => <b><Text of={row.name} /></b> },
          { name: "state", title: "State", cell: (row) => row.state },
          { name: "waits", title: "Waiting", number: true, cell: (row) => row.waits },
          { name: "time", title: "Slowest 1 %", number: true, cell: (row) => row.time },
          { name: "about", title: "More", cell: (row) => <span className="dim overview-about"><Text of={row.about} /></span> },
        ]} />
    </Panel>
  );
}

function Room({ stats }: { stats: Stats }) {
  const used = Number(stats.journal.bytes ?? 0), most = Number(stats.journal.bytes_max ?? 0);
  return (
    <Panel title="Room">
      <dl className="overview-room">
        <div>
          <dt>Journal</dt>
          <dd className="numbers">{bytes(used)} of {bytes(most)}</dd>
          <dd><meter className="overview-meter" aria-label="Journal" min={0} max={Math.max(1, most)} high={most * 0.8} value={used} /></dd>
        </div>
        <div>
          <dt>Free on the disk</dt>
          <dd className="numbers">{bytes(numberOf(stats, "disk_free"))}</dd>
        </div>
        <div>
          <dt>Dead letters</dt>
          <dd className="numbers">{bytes(numberOf(stats, "dead_letter_bytes"))}</dd>
        </div>
        <div>
          <dt>Memory</dt>
          <dd className="numbers">{bytes(numberOf(stats, "memory"))}</dd>
        </div>
        <div>
          <dt>Gaps in sequences</dt>
          <dd className="numbers">
            {numberOf(stats, "sequence_gaps") === 0 ? "none"
              : `${count(numberOf(stats, "sequence_gaps"))}, ${counted(numberOf(stats, "sequence_gap_messages"), "message")} missing`}
          </dd>
        </div>
      </dl>
    </Panel>
  );
}

type Topic = AnswerOf<"/api/topics">["data"][number];
const noisiest = 10;

function Noisiest() {
  const asked = useAsk("noisiest", (signal) => api.get("/api/topics", { query: { order: "rate", limit: noisiest }, signal }), 5000);
  const now = useNow();
  if (asked.data === undefined)
    return asked.problem ? <ProblemNote of={asked.problem} onRetry={asked.reload} /> : <Loading what="Asking for the topics" />;
  const rows: Topic[] = asked.data.data;
  const most = Math.max(1, ...rows.map((one) => one.rate_per_minute));
  return (
    <Panel title="Noisiest topics" flush tools={<Link to="topics">All topics</Link>}>
      {rows.length === 0 ? (
        <Empty title="No message has come yet">
          <p>Send one to a topic that the gateway subscribes to, from a machine that reaches the broker:</p>
          <code>{"mosquitto_pub -t sensors/sensor-001/temperature -m '{\"sensor_id\":\"sensor-001\",\"temperature\":21.5,\"humidity\":40,\"seq\":1}'"}</code>
        </Empty>
      ) : (
        <Table caption="Topics with the most messages in the last minute" rows={rows} keyOf={(row) => row.topic}
          columns={[
            { name: "topic", title: "Topic", cell: (row) => <Link to="topics" query={{ topic: row.topic }}><Text of={row.topic} max={300} /></Link> },
            { name: "schema", title: "Schema", cell: (row) => row.schema === null ? <span className="dim">none</span> : <Text of={row.schema} /> },
            {
              name: "rate", title: "Messages a minute", number: true,
              cell: (row) => (
                <span className="overview-bar">
                  <meter className="overview-meter" aria-label="Share of the noisiest" min={0} max={most} value={row.rate_per_minute} />
                  <span>{short(row.rate_per_minute)}</span>
                </span>
              ),
            },
            { name: "invalid", title: "Invalid", number: true, cell: (row) => row.invalid === 0 ? <span className="dim">0</span> : <Pill kind="bad">{count(row.invalid)}</Pill> },
            { name: "seen", title: "Last message", number: true, cell: (row) => row.last_seen === null ? "" : `${span(now - Date.parse(row.last_seen))} ago` },
          ]} />
      )}
    </Panel>
  );
}
