// SPDX-License-Identifier: Apache-2.0
import { api } from "../../api/client";
import { msOf, span } from "../../app/format";
import { useAsk } from "../../app/hooks";
import { Button, Note, Text } from "../../ui";
import type { Feed } from "./feed";
import { isQuery, isRelative, textOf, type Chosen } from "./query";

const every_ms = 30_000;
const ahead_min_ms = 5000; // two good clocks may be a second or two apart

interface Newest {
  time: number;
  topic: string;
}

/** The newest value whose time has not come yet; null: there is none. */
function useAhead(chosen: Chosen, feed: Feed, now: number): Newest | null {
  const asked = useAsk(
    isRelative(chosen) && isQuery(chosen) ? `ahead ${textOf({ ...chosen, start: "", fields: [], view: "chart", compare: "", gaps: "" })}` : null,
    (signal) => api.get("/api/data", {
      query: {
        topic: chosen.topics,
        device: chosen.devices,
        where: chosen.where,
        start: new Date(Date.now() + ahead_min_ms).toISOString(),
        end: new Date(Date.now() + 7 * 86_400_000).toISOString(), // later than the gateway takes a time from a device
        limit: 1,
      },
      signal,
    }),
    every_ms,
  );
  let newest: Newest | null = null;
  const see = (time: number, topic: string) => {
    if (time > now + ahead_min_ms && time > (newest?.time ?? 0)) newest = { time, topic };
  };
  for (const one of (asked.data?.data ?? []) as { timestamp: string; topic: string }[]) see(msOf(one.timestamp), one.topic);
  if (isRelative(chosen)) for (const one of feed.tracks) see(one.last, one.topic);
  return newest;
}

/** That some values lie behind the end of a chart that ends now, and where they are. */
export function AheadNote({ chosen, feed, onShow }: { chosen: Chosen; feed: Feed; onShow: (start: number, end: number) => void }) {
  const now = Date.now(), newest = useAhead(chosen, feed, now);
  if (newest === null) return null;
  const ahead = newest.time - now, { start, end } = feed.window;
  return (
    <Note kind="warn">
      <p>
        <Text of={newest.topic} max={200} /> has values up to {span(ahead)} ahead of now: the clock of the device is wrong, or that of this
        computer. What ends now does not show them.
      </p>
      <Button onClick={() => onShow(start, Math.max(end, newest.time + ahead * 0.05))}>Show them</Button>
    </Note>
  );
}
