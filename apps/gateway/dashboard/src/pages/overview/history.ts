// SPDX-License-Identifier: Apache-2.0
// What the counters of the gateway came to per second, kept while the page is open.
import { api, type AnswerOf } from "../../api/client";

export type Stats = AnswerOf<"/api/stats">;
export const room = 150; // points of five minutes
export const every_ms = 2000;

export const counters = ["messages_received", "stored", "invalid", "dropped"] as const;
export type Counter = (typeof counters)[number];
type Sums = Record<Counter, number>;

const number = (stats: Stats, name: string) => {
  const value = stats[name];
  return typeof value === "number" ? value : 0;
};
const sumsOf = (stats: Stats): Sums => ({
  messages_received: number(stats, "messages_received"),
  stored: number(stats, "messages_stored"),
  invalid: number(stats, "validation_errors"),
  dropped:
    number(stats, "messages_dropped") +
    number(stats, "unmatched_dropped") +
    number(stats, "broker_dropped") +
    number(stats, "dead_letters_dropped"),
});

let last: { at: number; uptime: number; sums: Sums } | undefined;
export const rates: Record<Counter, number[]> = { messages_received: [], stored: [], invalid: [], dropped: [] };

/** Asks once, and adds to `rates`. */
export async function measure(signal: AbortSignal): Promise<Stats> {
  const stats = await api.get("/api/stats", { signal });
  const at = performance.now();
  const sums = sumsOf(stats);
  const uptime = number(stats, "uptime");
  // A gateway that was started again counts from 0. After a pause there is no rate to speak of.
  if (last !== undefined && uptime >= last.uptime && at - last.at > 200) {
    const seconds = (at - last.at) / 1000;
    const fresh = seconds < 30;
    for (const one of counters) {
      if (!fresh) rates[one].length = 0;
      rates[one].push(Math.max(0, sums[one] - last.sums[one]) / seconds);
      if (rates[one].length > room) rates[one].shift();
    }
  }
  if (last === undefined || at - last.at > 200) last = { at, uptime, sums };
  return stats;
}
