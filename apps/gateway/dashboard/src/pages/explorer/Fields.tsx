// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState } from "react";
import { api } from "../../api/client";
import { useAsk } from "../../app/hooks";
import { Button, Text } from "../../ui";
import type { Feed } from "./feed";
import { isQuery, queryOf, selectionOf, windowOf, type Chosen } from "./query";
import { queryText } from "../../app/router";

/** In the API a comma parts fields. */
const cannotAsk = /[,\0]/;

/** Which numbers of the messages are shown: all, or some. */
export function Fields({ chosen, feed, version, onChange, wrong }: {
  chosen: Chosen;
  feed: Feed;
  version: number;
  onChange: (fields: string[]) => void;
  wrong: string | undefined;
}) {
  // Which there are does not depend on which are chosen: without any, the chart's own answer says it.
  const of = queryText({ ...queryOf({ ...chosen, fields: [], live: false, view: "chart", compare: "", gaps: "" }) });
  const known = useRef(new Map<string, string[]>());
  const [, told] = useState(0);
  const now = windowOf(chosen, Date.now());
  const isKnown = known.current.has(of);
  const asked = useAsk(
    chosen.fields.length > 0 && !isKnown && isQuery(chosen) && !("wrong" in now) ? `fields ${of}` : null,
    (signal) => {
      const window = windowOf(chosen, Date.now());
      if ("wrong" in window) throw new Error(window.wrong);
      return api.get("/api/series", { query: { ...selectionOf({ ...chosen, fields: [] }, window), downsample: 1, limit: 200 }, signal });
    },
  );
  useEffect(() => {
    const series = chosen.fields.length === 0 ? feed.tracks : (asked.data?.data ?? []);
    if (series.length === 0) return;
    known.current.set(of, [...new Set(series.map((one) => one.field))].sort());
    told((was) => was + 1);
  }, [version, asked.data]); // eslint-disable-line
  const all = [...new Set([...(known.current.get(of) ?? []), ...chosen.fields])].sort();
  if (!isQuery(chosen) || (all.length < 2 && chosen.fields.length === 0 && !wrong)) return null;
  const toggle = (field: string) =>
    onChange(chosen.fields.includes(field) ? chosen.fields.filter((one) => one !== field) : [...chosen.fields, field]);
  return (
    <div className="explorer-fields" role="group" aria-label="Fields">
      <span className="field-label" aria-hidden="true">Fields</span>
      <Button aria-pressed={chosen.fields.length === 0} onClick={() => onChange([])}>All</Button>
      {all.map((field) => (
        <Button key={field} aria-pressed={chosen.fields.includes(field)} disabled={cannotAsk.test(field)}
          title={cannotAsk.test(field) ? "Only seen among all: a field with such a name cannot be asked for alone." : undefined}
          onClick={() => toggle(field)}><Text of={field} max={100} /></Button>
      ))}
      {wrong && <span className="field-wrong" role="alert"><Text of={wrong} /></span>}
    </div>
  );
}
