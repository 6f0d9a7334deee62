// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "react";
import { api } from "../../api/client";
import { useAsk } from "../../app/hooks";
import { count, short } from "../../app/format";
import { written } from "../../app/json";
import { useQueryState } from "../../app/router";
import { Button, CopyButton, DetailHead, Empty, Facts, Link, Loading, Panel, ProblemNote, Select, Tabs, Text } from "../../ui";
import { Compare } from "./Compare";
import { documentText, saveText, type Schema } from "./document";
import { exampleOf } from "./example";
import { FieldTable } from "./FieldTable";
import { share, useCounts } from "./stats";
import { escapeHidden, Try } from "./Try";
import "./schemas.css";

const parts = (version: string) => version.split(".").map(Number);
export const newestFirst = (a: Schema, b: Schema) => {
  const [x, y] = [parts(a.version), parts(b.version)];
  return (y[0] ?? 0) - (x[0] ?? 0) || (y[1] ?? 0) - (x[1] ?? 0);
};

export function SchemaPage({ name }: { name: string }) {
  const [{ version, tab }, set] = useQueryState({ version: "", tab: "fields" });
  const asked = useAsk(name, (signal) => api.get("/api/schemas/{name}", { path: { name }, signal }));
  const counts = useCounts().data?.of.get(name);
  const versions = asked.data ? [...asked.data.data].sort(newestFirst) : [];
  const schema = versions.find((one) => one.version === version) ?? versions[0];
  const tabs = [
    { value: "fields", text: "Fields" },
    { value: "try", text: "Try a payload" },
    { value: "document", text: "Document" },
    ...(versions.length > 1 ? [{ value: "compare", text: "Compare versions" }] : []),
  ];
  const open = tabs.some((one) => one.value === tab) ? tab : "fields";
  return (
    <>
      <DetailHead title={<Text of={name} />} back={{ to: "schemas", text: "All schemas" }}
        note={schema && <>version {schema.version}, judges <code><Text of={schema.topic} /></code></>}>
        {versions.length > 1 && (
          <Select label="Version" bare options={versions.map((one, i) => ({ value: one.version, text: `${one.version}${i === 0 ? ", the newest" : ""}` }))}
            value={schema?.version ?? ""}
            onChange={(event) => set({ version: event.target.value === versions[0]?.version ? "" : event.target.value })} />
        )}
        {schema && <Link className="button" to="explorer" query={{ topic: schema.topic }}>Values in the Explorer</Link>}
      </DetailHead>
      {asked.problem?.status === 404 ? (
        <Empty title="There is no such schema">
          <p>It is not in force, or only other topics than yours have it.</p>
          <Link className="button" to="schemas">All schemas</Link>
        </Empty>
      ) : (
        asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />
      )}
      {!schema && asked.loading && <Loading />}
      {schema && (
        <>
          {counts && (
            <Panel>
              <Facts of={[
                ["Topics", count(counts.topics)],
                ["Messages since start", count(counts.messages)],
                ["A minute", short(counts.perMinute)],
                ["Refused", `${count(counts.invalid)} (${share(counts.invalid, counts.messages)})`],
                ["Dead letters kept", counts.letters > 0
                  ? <Link to="letters" query={{ topic: schema.topic }}>{count(counts.letters)}</Link> : "none"],
              ]} />
            </Panel>
          )}
          <Tabs label="Parts of the schema" tabs={tabs} open={open} onOpen={(value) => set({ tab: value })}>
            {open === "fields" && <Panel title="Fields" flush><FieldTable schema={schema} /></Panel>}
            {open === "try" && <TryExamples schema={schema} isNewest={schema === versions[0]} />}
            {open === "document" && <DocumentText schema={schema} />}
            {open === "compare" && <Compare versions={versions} />}
          </Tabs>
        </>
      )}
    </>
  );
}

function DocumentText({ schema }: { schema: Schema }) {
  const text = documentText(schema.document ?? {});
  return (
    <Panel title="Document"
      tools={<>
        <CopyButton text={text} />
        <Button icon="download" onClick={() => saveText(`${schema.name}.json`, `${text}\n`, "application/json")}>Download</Button>
      </>}>
      <div className="stack">
        <pre className="schemas-document" tabIndex={0} aria-label="Document"><Text of={text} lines max={500_000} /></pre>
        <p className="dim">
          As the gateway holds it: without comments and descriptions. JSON can be a schema's file just as YAML can.
        </p>
      </div>
    </Panel>
  );
}

function TryExamples({ schema, isNewest }: { schema: Schema; isNewest: boolean }) {
  const [text, setText] = useState(() => exampleOf(schema, false));
  useEffect(() => setText(exampleOf(schema, false)), [schema]);
  const newest = useAsk(schema.name, (signal) =>
    api.get("/api/data/latest", { query: { schema: [schema.name], limit: 1 }, signal }),
  );
  const payload = newest.data?.data.find((one) => "payload" in one)?.payload;
  return (
    <Panel title="Try a payload">
      <div className="stack">
        {!isNewest && <p className="dim">Payloads are judged by the newest version of this name.</p>}
        <Try name={schema.name} text={text} onText={setText} tools={<>
          <Button onClick={() => setText(exampleOf(schema, false))}>All fields</Button>
          <Button onClick={() => setText(exampleOf(schema, true))}>Required fields</Button>
          <Button disabled={payload === undefined} onClick={() => setText(escapeHidden(written(payload, 2)))}>A stored message</Button>
        </>} />
      </div>
    </Panel>
  );
}
