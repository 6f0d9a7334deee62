// SPDX-License-Identifier: Apache-2.0
import { useMemo } from "react";
import { useQueryState } from "../../app/router";
import { Select, Text } from "../../ui";
import { diffLines, documentText, type Schema } from "./document";
import "./schemas.css";

const signs = { same: " ", gone: "−", new: "+" } as const;
const words = { same: "", gone: "gone: ", new: "new: " } as const;

/** Two versions of a schema, line by line. @param versions  newest first */
export function Compare({ versions }: { versions: readonly Schema[] }) {
  const [{ from, to }, set] = useQueryState({ from: versions[1]?.version ?? "", to: versions[0]?.version ?? "" });
  const textOf = (version: string) => documentText(versions.find((one) => one.version === version)?.document ?? {});
  const before = textOf(from);
  const after = textOf(to);
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const options = versions.map((one) => ({ value: one.version, text: one.version }));
  const changed = (kind: "gone" | "new") => lines.filter((line) => line.kind === kind).length;
  return (
    <div className="stack">
      <div className="row">
        <Select label="From" options={options} value={from} onChange={(event) => set({ from: event.target.value })} />
        <Select label="To" options={options} value={to} onChange={(event) => set({ to: event.target.value })} />
        <p role="status" className="schemas-changed">{changed("gone")} lines gone, {changed("new")} new</p>
      </div>
      <div className="schemas-document" tabIndex={0} role="group" aria-label={`Version ${from} beside ${to}`}>
        {lines.map((line, i) => (
          <div key={i} className={`schemas-line schemas-line-${line.kind}`}>
            <span aria-hidden="true">{signs[line.kind]} </span>
            <span className="unseen">{words[line.kind]}</span>
            <Text of={line.text} />
          </div>
        ))}
      </div>
    </div>
  );
}
