// SPDX-License-Identifier: Apache-2.0
import { addressOf, api, type AnswerOf } from "../../api/client";
import { useAsk, useNow } from "../../app/hooks";
import { clock, span } from "../../app/format";
import { useQueryState } from "../../app/router";
import { Button, Choices, Empty, Facts, Field, Loading, Note, Panel, Pill, ProblemNote, Table, Text, type Column } from "../../ui";
import "./settings.css";

type Setting = AnswerOf<"/api/config">["data"][number];

const sectionOf = (key: string) => key.split(".")[0]!;
const matches = (setting: Setting, words: readonly string[]) => {
  const text = `${setting.key} ${setting.values.join(" ")} ${setting.origin ?? ""}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

export default function Settings() {
  const [{ search, show }, set] = useQueryState({ search: "", show: "all" });
  const asked = useAsk("config", (signal) => api.get("/api/config", { signal }));
  const words = search.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const all = asked.data?.data ?? [];
  const found = all.filter((setting) => (show !== "changed" || setting.set) && matches(setting, words));
  const sections = new Map<string, Setting[]>();
  for (const setting of found) {
    const name = sectionOf(setting.key);
    sections.set(name, [...(sections.get(name) ?? []), setting]);
  }
  return (
    <>
      <About />
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      {!asked.data && asked.loading && <Loading />}
      {asked.data && (
        <>
          <div className="settings-ask">
            <Field label="Search settings" type="search" placeholder="A key, a value, a file" value={search} onChange={(event) => set({ search: event.target.value })} />
            <Choices label="Which settings" value={show === "changed" ? "changed" : "all"} onChange={(value) => set({ show: value })}
              options={[{ value: "all", text: `All ${all.length}` }, { value: "changed", text: `Changed ${all.filter((one) => one.set).length}` }]} />
            <p className="dim" role="status">{found.length} shown</p>
          </div>
          {found.length === 0 ? (
            <Empty title="No setting has this">
              <p>{words.length > 0 ? "Search for less of it." : "Nothing differs from its default."}</p>
              <Button onClick={() => set({ search: "", show: "all" })}>Show all settings</Button>
            </Empty>
          ) : (
            <div className="settings-sections">
              {[...sections].map(([name, settings]) => <Section key={name} name={name} settings={settings} />)}
            </div>
          )}
          <p className="dim">
            As the gateway has them in force; secrets are masked. Change them in the file, then run <code>telemetry reload</code>: it says which of them take
            effect only at the next start. docs/config.md explains each.
          </p>
        </>
      )}
    </>
  );
}

const columns: Column<Setting>[] = [
  { name: "key", title: "Setting", cell: (one) => <code><Text of={one.key} /></code> },
  {
    name: "value",
    title: "Value",
    cell: (one) =>
      one.values.length === 0 || (one.values.length === 1 && one.values[0] === "") ? (
        <span className="dim">not set</span>
      ) : (
        <span className={one.set ? "settings-value settings-changed" : "settings-value"}>
          {one.values.map((value, i) => <span key={i}><Text of={value} max={500} /></span>)}
        </span>
      ),
  },
  {
    name: "origin",
    title: "From",
    cell: (one) => one.origin === null ? <span className="dim">default</span> : <code><Text of={one.origin} max={300} /></code>,
  },
];

const Section = ({ name, settings }: { name: string; settings: readonly Setting[] }) => (
  <Panel title={name} flush>
    <Table caption={`Settings of ${name}`} columns={columns} rows={settings} keyOf={(one) => one.key} />
  </Panel>
);

/** Version, uptime, and what is not well. */
function About() {
  const now = useNow();
  const asked = useAsk("health", async (signal) => {
    const health = await api.get("/api/health", { signal, alsoFine: [503] });
    return { health, started: Date.now() - (health.uptime_s ?? 0) * 1000 };
  }, 10_000);
  const health = asked.data?.health;
  const words = [...(health?.reasons ?? []), ...(health?.warnings ?? [])];
  return (
    <Panel title="About this gateway"
      tools={<>
        <a className="button" href={addressOf("/api/docs")}>API</a>
        <a className="button" href={addressOf("/metrics")}>Metrics</a>
      </>}>
      <div className="stack">
        {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
        {!asked.data && asked.loading && <Loading />}
        {health && (
          <Facts of={[
            ["Version", health.version ?? "not told"],
            ["Runs for", health.uptime_s === undefined ? "not told" : <>{span(now - asked.data!.started)} <span className="dim settings-since">since {clock(asked.data!.started)}</span></>],
            ["Health", <Pill kind={health.status === "ok" ? "ok" : "bad"}>{health.status}</Pill>],
          ]} />
        )}
        {words.length > 0 && (
          <Note kind="warn">
            <ul className="settings-words">{words.map((one, i) => <li key={i}><Text of={one} max={2000} /></li>)}</ul>
          </Note>
        )}
        {health && words.length === 0 && <p className="dim">No warnings.</p>}
      </div>
    </Panel>
  );
}
