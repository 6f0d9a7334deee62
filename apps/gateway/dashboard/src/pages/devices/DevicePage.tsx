// SPDX-License-Identifier: Apache-2.0
import { api, type AnswerOf } from "../../api/client";
import { useAsk, useNow } from "../../app/hooks";
import { brief, clock, count, msOf, numbersOf, short, span } from "../../app/format";
import { DetailHead, Empty, Facts, Link, Loading, Panel, Pill, ProblemNote, Table, Text, type Column } from "../../ui";
import { Silence } from "./Devices";
import "./devices.css";

type Topic = AnswerOf<"/api/topics">["data"][number];
interface Value {
  topic: string;
  schema: string | null;
  /** Null: the payload is no object; all of it is the value. */
  field: string | null;
  value: string;
  isNumber: boolean;
  time: number;
}

const values_max = 500;
const ahead_ms = 5000; // clocks differ by a little
/** What stands in a message, a value a line: numbers by path, texts at the top. */
function* valuesOf(topic: string, schema: string | null, time: number, payload: unknown): Generator<Value> {
  const of = { topic, schema, time };
  if (payload !== null && typeof payload === "object") {
    for (const [field, , value] of numbersOf(payload)) yield { ...of, field, value: String(value), isNumber: true };
    for (const [field, value] of Object.entries(payload))
      if (typeof value === "string") yield { ...of, field, value, isNumber: false };
  } else {
    yield { ...of, field: null, value: brief(payload), isNumber: typeof payload === "number" || typeof payload === "bigint" };
  }
}

export function DevicePage({ name }: { name: string }) {
  const now = useNow();
  const device = useAsk(name, async (signal) => {
    const answer = await api.get("/api/devices", { query: { search: name, limit: 10_000 }, signal });
    return { found: answer.data.find((one) => one.device === name) };
  }, 5000);
  const topics = useAsk(name, async (signal) => {
    const answer = await api.get("/api/topics", { query: { search: name, limit: 10_000 }, signal });
    return answer.data.filter((one) => one.device === name);
  }, 5000);
  const latest = useAsk(name, (signal) => api.get("/api/data/latest", { query: { device: [name], limit: 200 }, signal }), 5000);
  const schemas = useAsk("schemas", (signal) => api.get("/api/schemas", { signal }));
  const found = device.data?.found;
  const units = new Map<string, string>();
  for (const schema of schemas.data?.data ?? [])
    for (const field of schema.fields) if (field.unit !== null) units.set(`${schema.name} ${field.path}`, field.unit);
  const values: Value[] = [];
  for (const record of latest.data?.data ?? []) {
    if (!("payload" in record) || !("topic" in record)) continue;
    const { topic, payload, schema, timestamp } = record as AnswerOf<"/api/data/latest">["data"][number] &
      { topic: string; payload: unknown; schema: string | null; timestamp: string };
    values.push(...valuesOf(topic, schema, msOf(timestamp), payload));
  }

  const topicColumns: Column<Topic>[] = [
    { name: "topic", title: "Topic", cell: (one) => <Link to="topics" query={{ topic: one.topic }}><code><Text of={one.topic} max={300} /></code></Link> },
    { name: "schema", title: "Schema", cell: (one) => one.schema === null ? <span className="dim">none</span> : <Link to="schemas" query={{ schema: one.schema }}><Text of={one.schema} /></Link> },
    { name: "seen", title: "Last seen", cell: (one) => <span className="devices-when">{span(now - Date.parse(one.last_seen))} ago</span> },
    { name: "rate", title: "A minute", number: true, cell: (one) => short(one.rate_per_minute) },
    { name: "messages", title: "Messages", number: true, cell: (one) => count(one.messages) },
    {
      name: "invalid",
      title: "Refused",
      number: true,
      cell: (one) => one.invalid === 0 ? <span className="dim">0</span>
        : <Link to="letters" query={{ topic: one.topic }} aria-label={`${one.invalid} refused messages of ${one.topic}`}>{count(one.invalid)}</Link>,
    },
  ];
  const valueColumns: Column<Value>[] = [
    {
      name: "field",
      title: "Field",
      cell: (one) => one.field === null ? <span className="dim">the payload</span>
        : one.isNumber
          ? <Link to="explorer" query={{ device: name, topic: one.topic, fields: one.field }}><code><Text of={one.field} max={200} /></code></Link>
          : <code><Text of={one.field} max={200} /></code>,
    },
    {
      name: "value",
      title: "Value",
      cell: (one) => (
        <span className="devices-value">
          <Text of={one.value} max={300} />{" "}
          {units.has(`${one.schema} ${one.field}`) && <span className="dim"><Text of={units.get(`${one.schema} ${one.field}`)!} /></span>}
        </span>
      ),
    },
    { name: "topic", title: "Topic", cell: (one) => <code className="dim"><Text of={one.topic} max={300} /></code> },
    { name: "time", title: "Time", number: true, cell: (one) => <>{one.time - now > ahead_ms && <Pill kind="warn">{span(one.time - now)} ahead</Pill>} {clock(one.time)}</> },
  ];
  return (
    <>
      <DetailHead title={<Text of={name} max={200} />} back={{ to: "devices", text: "All devices" }}>
        <Link className="button" to="explorer" query={{ device: name }}>Open in the Explorer</Link>
      </DetailHead>
      {device.problem && <ProblemNote of={device.problem} onRetry={device.reload} />}
      {!device.data && device.loading && <Loading />}
      {device.data && !found && (
        <Empty title="Not seen since the gateway started">
          <p>The Explorer shows what is stored of it from before.</p>
          <Link className="button" to="explorer" query={{ device: name }}>Open in the Explorer</Link>
        </Empty>
      )}
      {found && (
        <Panel>
          <Facts of={[
            ["Last seen", <Silence of={found.last_seen} now={now} />],
            ["A minute", short(found.rate_per_minute)],
            ["Messages since start", count(found.messages)],
            ["Sequence gaps", found.gaps === 0 ? "none" : <span className="devices-trouble">{count(found.gaps)} ({count(found.missing)} numbers missing)</span>],
            ["Resets", found.resets === 0 ? "none" : <span className="devices-trouble">{count(found.resets)}</span>],
            ["Wrong clock", found.clock_trouble === 0 ? "never" : <span className="devices-trouble">{count(found.clock_trouble)} messages</span>],
          ]} />
          {(found.gaps > 0 || found.resets > 0 || found.clock_trouble > 0) && (
            <p className="dim devices-words">
              {found.gaps > 0 && "A gap: numbers of its messages were left out; some may have come late. "}
              {found.resets > 0 && "A reset: its numbers began again, as after a restart. "}
              {found.clock_trouble > 0 && "A wrong clock: its time cannot be true, so the time of receipt counts."}
            </p>
          )}
        </Panel>
      )}
      {topics.problem && topics.problem.message !== device.problem?.message && <ProblemNote of={topics.problem} onRetry={topics.reload} />}
      {topics.data && topics.data.length > 0 && (
        <Panel title="Topics" flush>
          <Table caption="Topics of the device" columns={topicColumns} rows={topics.data} keyOf={(one) => one.topic} />
        </Panel>
      )}
      {latest.problem && latest.problem.message !== device.problem?.message && <ProblemNote of={latest.problem} onRetry={latest.reload} />}
      {latest.data && values.length === 0 && found && (
        <Empty title="No value of it is stored"><p>All of its messages were refused, or are not stored yet.</p><Link className="button" to="letters">Dead letters</Link></Empty>
      )}
      {values.length > 0 && (
        <Panel title="Newest values" flush>
          <Table caption="Newest values of the device" columns={valueColumns} rows={values.slice(0, values_max)} keyOf={(one) => `${one.topic} ${one.field}`} />
          {values.length > values_max && <p className="dim devices-words">The first {values_max}.</p>}
        </Panel>
      )}
    </>
  );
}
