// SPDX-License-Identifier: Apache-2.0
import { api } from "../../api/client";
import { useAsk } from "../../app/hooks";

export interface Counts {
  topics: number;
  messages: number;
  invalid: number;
  perMinute: number;
  letters: number;
}
export const topics_max = 10_000;
export const noCounts = (): Counts => ({ topics: 0, messages: 0, invalid: 0, perMinute: 0, letters: 0 });

/** What has come of each schema, by name; of topics without one under "". */
export function useCounts() {
  return useAsk("counts", async (signal) => {
    const [topics, letters] = await Promise.all([
      api.get("/api/topics", { query: { limit: topics_max }, signal }),
      api.get("/api/dead_letters/summary", { signal }),
    ]);
    const of = new Map<string, Counts>();
    const at = (name: string) => {
      let counts = of.get(name);
      if (counts === undefined) of.set(name, (counts = noCounts()));
      return counts;
    };
    for (const topic of topics.data) {
      const counts = at(topic.schema ?? "");
      counts.topics += 1;
      counts.messages += topic.messages;
      counts.invalid += topic.invalid;
      counts.perMinute += topic.rate_per_minute;
    }
    for (const group of letters.data) at((group.schema ?? "").split(" ")[0]!).letters += group.messages;
    return { of, isCut: topics.next_cursor !== null };
  }, 5000);
}

/** "0.4 %": how many of the messages were refused. */
export const share = (part: number, whole: number): string => {
  if (whole === 0 || part === 0) return "0 %";
  const percent = (100 * part) / whole;
  return percent < 0.1 ? "< 0.1 %" : `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
};
