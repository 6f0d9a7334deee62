// SPDX-License-Identifier: Apache-2.0
import { useTyped } from "../../app/hooks";
import { Field, Select } from "../../ui";
import { isRelative, spanOf, windowOf, type Chosen } from "./query";

const spans: [string, string][] = [
  ["5m", "Last 5 minutes"], ["15m", "Last 15 minutes"], ["1h", "Last hour"], ["6h", "Last 6 hours"],
  ["24h", "Last 24 hours"], ["7d", "Last 7 days"], ["30d", "Last 30 days"],
];
const between = "between";
const days: { value: string; text: string; back: number }[] = [{ value: "today", text: "Today", back: 0 }, { value: "yesterday", text: "Yesterday", back: 1 }];

/** A day of this browser's zone, so many days ago; today has no end yet. */
function dayOf(back: number, now: number): { start: string; end: string } {
  const midnight = (ago: number) => {
    const t = new Date(now);
    return new Date(t.getFullYear(), t.getMonth(), t.getDate() - ago).toISOString();
  };
  return { start: midnight(back), end: back === 0 ? "" : midnight(back - 1) };
}

/** "2026-03-01T14:03:07", as this browser's zone has it. */
function localText(ms: number): string {
  const t = new Date(ms);
  return new Date(ms - t.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
const inputText = (text: string, now: number) => {
  const span = spanOf(text), ms = span === undefined ? Date.parse(text) : now - span;
  return Number.isFinite(ms) ? localText(ms) : "";
};
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const typed_ms = 1200; // a part of a time is a time already: somebody types on

function Moment({ label, at, onTake, wrong, hint }: {
  label: string;
  at: string;
  onTake: (text: string) => void;
  wrong: string | undefined;
  hint: string;
}) {
  const typed = useTyped(at, onTake, typed_ms);
  return <Field label={label} type="datetime-local" step={1} {...typed.input} wrong={wrong} hint={hint} />;
}

/** Which time: up to now, or between two times of this browser's zone. */
export function Range({ chosen, onChange, wrong }: {
  chosen: Chosen;
  onChange: (change: Partial<Chosen>) => void;
  wrong: { start?: string | undefined; end?: string | undefined };
}) {
  const relative = isRelative(chosen), now = Date.now();
  const listed = spans.some(([value]) => value === chosen.start);
  const options = [
    ...(relative && !listed ? [{ value: chosen.start, text: `Last ${chosen.start}` }] : []),
    ...spans.map(([value, text]) => ({ value, text })),
    ...days.map(({ value, text }) => ({ value, text })),
    { value: between, text: "Between two times" },
  ];
  const day = days.find(({ back }) => {
    const { start, end } = dayOf(back, now);
    return start === chosen.start && end === chosen.end;
  });
  const take = (name: "start" | "end") => (text: string) => {
    const ms = Date.parse(text);
    if (Number.isFinite(ms)) onChange({ [name]: new Date(ms).toISOString(), live: false });
    else if (text === "" && name === "end") onChange({ end: "" });
  };
  return (
    <>
      <Select label="Time" options={options} value={relative ? chosen.start : (day?.value ?? between)}
        onChange={(event) => {
          const taken = days.find(({ value }) => value === event.target.value);
          if (taken) return onChange({ ...dayOf(taken.back, now), live: false });
          if (event.target.value !== between) return onChange({ start: event.target.value, end: "" });
          const window = windowOf(chosen, now);
          if ("wrong" in window) return;
          onChange({ start: new Date(window.start).toISOString(), end: new Date(window.end).toISOString(), live: false });
        }} />
      {!relative && (
        <>
          <Moment label="From" at={inputText(chosen.start, now)} onTake={take("start")} wrong={wrong.start} hint={zone} />
          <Moment label="To" at={inputText(chosen.end, now)} onTake={take("end")} wrong={wrong.end} hint={chosen.end === "" ? "empty: now" : zone} />
        </>
      )}
    </>
  );
}
