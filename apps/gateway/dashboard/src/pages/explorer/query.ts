// SPDX-License-Identifier: Apache-2.0
// What the Explorer shows, as it stands in the address: to share it, to go back, to pin it.
import { queryText, type Query } from "../../app/router";

export const views = ["chart", "table", "stats"] as const;
export type View = (typeof views)[number];

export interface Chosen {
  topics: string[];
  devices: string[];
  /** Empty: all that are numbers. */
  fields: string[];
  where: string[];
  /** A span back from now as "1h", or a time. */
  start: string;
  /** A time; empty: now. */
  end: string;
  live: boolean;
  view: View;
  /** A span: the same query that long before, too. */
  compare: string;
  /** From which distance of two points on no line joins them: "", "never" or a span. */
  gaps: string;
}
export interface Window {
  start: number;
  end: number;
}

const second = 1000, day = 86_400_000;
const units: Record<string, number> = { s: second, m: 60_000, h: 3_600_000, d: day, w: 7 * day };
export const start_default = "1h";
const window_min_ms = 10;
const time_max = Date.UTC(2200, 0); // the gateway takes no time behind 2262

/** Milliseconds of "90m"; undefined: it is no span. */
export function spanOf(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)(s|m|h|d|w)$/.exec(text.trim());
  const ms = match ? Number(match[1]) * units[match[2]!]! : 0;
  return ms > 0 ? ms : undefined;
}
const timeOf = (text: string) => {
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? ms : undefined;
};

export function chosenOf(query: URLSearchParams): Chosen {
  const some = (name: string) => [...new Set(query.getAll(name).filter((one) => one !== ""))];
  const view = query.get("view") as View;
  return {
    topics: some("topic"),
    devices: some("device"),
    fields: [...new Set((query.get("fields") ?? "").split(",").filter((one) => one !== ""))],
    where: some("where"),
    start: query.get("start") || start_default,
    end: query.get("end") ?? "",
    live: query.get("live") === "1",
    view: views.includes(view) ? view : "chart",
    compare: query.get("compare") ?? "",
    gaps: query.get("gaps") ?? "",
  };
}

/** What is as without it stays out of the address. */
export function queryOf(of: Chosen): Query {
  return {
    topic: of.topics,
    device: of.devices,
    fields: of.fields.join(","),
    where: of.where,
    start: of.start === start_default ? "" : of.start,
    end: of.end,
    live: isLive(of) ? "1" : "",
    view: of.view === "chart" ? "" : of.view,
    compare: of.compare,
    gaps: of.gaps,
  };
}
export const textOf = (of: Chosen) => queryText(queryOf(of));

/** A window that moves: up to now, and back by a span. */
export const isRelative = (of: Chosen) => of.end === "" && spanOf(of.start) !== undefined;
export const isLive = (of: Chosen) => of.live && isRelative(of);
/** Something is named of which series can be shown. */
export const isQuery = (of: Chosen) => of.topics.length + of.devices.length > 0;

/** The times that are shown; a text where they make no window, which names the field. */
export function windowOf(of: Chosen, now: number): Window | { field: "start" | "end"; wrong: string } {
  const end = of.end === "" ? now : spanOf(of.end) !== undefined ? now - spanOf(of.end)! : timeOf(of.end);
  if (end === undefined) return { field: "end", wrong: "This is no time. Choose one, or leave it empty for now." };
  const back = spanOf(of.start);
  const start = back === undefined ? timeOf(of.start) : (of.end === "" ? end : now) - back;
  if (start === undefined)
    return { field: "start", wrong: "This is no time and no span as 90m, 1h or 7d. Choose one." };
  if (start >= end) return { field: "end", wrong: "The end is not after the start. Choose a later end." };
  return { start, end };
}

/** The same with these times; live ends. */
export function zoomed(of: Chosen, start: number, end: number): Chosen {
  const width = Math.max(window_min_ms, end - start);
  const middle = (start + end) / 2;
  const iso = (ms: number) => new Date(Math.round(Math.min(time_max, Math.max(0, ms)))).toISOString();
  return { ...of, start: iso(middle - width / 2), end: iso(middle + width / 2), live: false };
}

/** Parameters of the API that choose the messages. */
export const selectionOf = (of: Chosen, { start, end }: Window) => ({
  topic: of.topics,
  device: of.devices,
  where: of.where,
  start: new Date(Math.floor(start)).toISOString(),
  end: new Date(Math.ceil(end)).toISOString(),
  ...(of.fields.length > 0 && { fields: of.fields.join(",") }),
});
