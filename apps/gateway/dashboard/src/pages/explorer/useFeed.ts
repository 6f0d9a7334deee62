// SPDX-License-Identifier: Apache-2.0
import { useEffect, useMemo, useRef, useState } from "react";
import { api, type Problem } from "../../api/client";
import { useAhead } from "../../app/ahead";
import { useAsk, useLive } from "../../app/hooks";
import { Feed, series_max } from "./feed";
import { isLive, isQuery, isRelative, selectionOf, spanOf, textOf, windowOf, type Chosen, type Window } from "./query";

const anew_ms = 60_000; // what was thinned out is asked for again while it moves
const tick_ms = 250;
const words_ms = 1000;

export interface Shown {
  feed: Feed;
  /** Changes with the series, and while it is live once a second. */
  version: number;
  window: Window;
  loading: boolean;
  /** An answer is here, if perhaps an older one. */
  ready: boolean;
  problem: Problem | undefined;
  /** What does not fit the times. */
  wrong: { field: "start" | "end"; wrong: string } | undefined;
  /** The gateway sends nothing live of this query. */
  refused: string;
  /** The newest time, where it lies ahead of a window that ends now. */
  ahead: number | undefined;
  reload: () => void;
}

/**
 * The series of a query, and what comes live.
 * @param columns  pixels of the plot; 0: not known yet
 * @param everyMs  a window that ends now is asked for again
 */
export function useFeed(chosen: Chosen, columns: number, everyMs = 0): Shown {
  const text = textOf({ ...chosen, view: "chart", gaps: "" });
  const live = isLive(chosen);
  const [feed] = useState(() => new Feed());
  const [version, setVersion] = useState(0);
  const [turn, setTurn] = useState(0);
  const [thin, setThin] = useState(false);
  const anew = () => setTurn((was) => was + 1);
  // A relative window that does not move is that of the time when it was asked for.
  const made = useMemo(() => windowOf(chosen, Date.now()), [text, turn]); // eslint-disable-line
  const wrong = "wrong" in made ? made : undefined;
  const asked = useAsk(
    columns === 0 || wrong || !isQuery(chosen) ? null : `${text} ${columns} ${turn}`,
    async (signal) => {
      const now = windowOf(chosen, Date.now());
      if ("wrong" in now) throw new Error(now.wrong);
      const shift = spanOf(chosen.compare) ?? 0;
      const common = { downsample: columns, limit: series_max };
      const [answer, before] = await Promise.all([
        api.get("/api/series", { query: { ...selectionOf(chosen, now), ...common }, signal }),
        shift === 0 ? null
          : api.get("/api/series", {
            query: { ...selectionOf(chosen, { start: now.start - shift, end: now.end - shift }), ...common },
            signal,
          }),
      ]);
      return { answer, before, shift, window: now };
    },
    live ? (thin ? anew_ms : 0) : isRelative(chosen) ? everyMs : 0,
  );
  const loaded = useRef("");
  useEffect(() => {
    if (asked.data === undefined) return;
    const { answer, before, shift, window } = asked.data;
    feed.load(answer, window);
    feed.loadBefore(before, shift);
    loaded.current = text;
    setThin(feed.tracks.some((one) => !one.whole));
    setVersion((was) => was + 1);
  }, [asked.data]); // eslint-disable-line
  useEffect(() => {
    if (!live) return;
    let words = 0;
    const timer = setInterval(() => {
      if (document.hidden) return;
      const now = Date.now(), window = windowOf(chosen, now);
      if ("wrong" in window) return;
      feed.show(window);
      if (now - words < words_ms) return;
      words = now;
      setVersion((was) => was + 1);
    }, tick_ms);
    return () => clearInterval(timer);
  }, [text, live, feed]); // eslint-disable-line

  const pending = useRef(0);
  const soon = () => {
    if (pending.current !== 0) return;
    pending.current = window.setTimeout(() => {
      pending.current = 0;
      anew();
    }, words_ms);
  };
  useEffect(() => () => clearTimeout(pending.current), []);
  const selection = live && isQuery(chosen) && !wrong
    ? {
      ...(chosen.topics.length > 0 && { topics: chosen.topics }), // the gateway refuses empty lists
      ...(chosen.devices.length > 0 && { devices: chosen.devices }),
      ...(chosen.where.length > 0 && { where: chosen.where }),
      last_values: true, // and what is not stored yet
    }
    : null;
  useEffect(() => feed.forget(), [JSON.stringify(selection), feed]); // eslint-disable-line
  const refused = useLive(selection, {
    onRecords: (records) => {
      if (feed.take(records, chosen, loaded.current === text) || feed.isFull) soon();
    },
    onBegin: anew, // what came before is in the answer, what comes after is told
    onGap: soon,
  });
  const ahead = useAhead(
    isRelative(chosen) && isQuery(chosen) && !wrong ? { topic: chosen.topics, device: chosen.devices, where: chosen.where } : null,
  );
  return {
    feed,
    version,
    window: feed.window,
    loading: asked.loading,
    ready: loaded.current !== "" && (asked.data !== undefined || asked.loading),
    problem: asked.problem,
    wrong,
    refused,
    ahead,
    reload: anew,
  };
}
