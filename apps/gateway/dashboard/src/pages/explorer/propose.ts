// SPDX-License-Identifier: Apache-2.0
import { api } from "../../api/client";

const topics_asked = 200, shown_max = 12, patterns_max = 4;

/** Filters that hold several of the topics, with + in the place of one level: the largest first. */
export function patternsOf(topics: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const topic of topics) {
    const levels = topic.split("/");
    levels.forEach((_, i) => {
      const pattern = levels.map((level, k) => (k === i ? "+" : level)).join("/");
      counts.set(pattern, (counts.get(pattern) ?? 0) + 1);
    });
  }
  return [...counts].filter(([, n]) => n > 1).sort((a, b) => b[1] - a[1]).slice(0, patterns_max).map(([pattern]) => pattern);
}

export async function proposeTopics(text: string, signal: AbortSignal): Promise<string[]> {
  // What somebody types with wildcards is searched for by its longest part without.
  const search = text.split(/[+#]/).sort((a, b) => b.length - a.length)[0] ?? "";
  const answer = await api.get("/api/topics", { query: { ...(search && { search }), limit: topics_asked }, signal });
  const names = answer.data.map((one) => one.topic);
  return [...patternsOf(names), ...names].slice(0, shown_max + patterns_max);
}

export async function proposeDevices(text: string, signal: AbortSignal): Promise<string[]> {
  const answer = await api.get("/api/devices", { query: { ...(text && { search: text }), limit: shown_max }, signal });
  return answer.data.map((one) => one.device);
}
