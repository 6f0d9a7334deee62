// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from "react";
import { Problem } from "../api/client";
import { openStream, type Handlers, type Selection } from "../api/live";

export interface Asked<T> {
  /** The newest answer, kept while a newer one is asked for or could not be had. */
  data: T | undefined;
  problem: Problem | undefined;
  loading: boolean;
  reload(): void;
}

const asProblem = (error: unknown) =>
  error instanceof Problem ? error : new Problem(0, { code: "page", detail: String(error) });

/**
 * Asks when `key` changes, and every `everyMs` while the page is seen.
 * @param key  tells one question from another; null: nothing is asked
 * @param ask  given a signal that ends the request when nobody waits any more
 */
export function useAsk<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  everyMs = 0,
): Asked<T> {
  const [state, setState] = useState<{
    key: string | null;
    data: T | undefined;
    problem: Problem | undefined;
    loading: boolean;
  }>({ key, data: undefined, problem: undefined, loading: key !== null });
  const [turn, setTurn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (key === null) return;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (ms: number) => {
      if (ms > 0 && !ended.signal.aborted) timer = setTimeout(() => void once(), ms);
    };
    const once = async () => {
      if (document.hidden && everyMs > 0) return again(everyMs);
      try {
        const data = await latest.current(ended.signal);
        if (ended.signal.aborted) return;
        setState({ key, data, problem: undefined, loading: false });
        again(everyMs);
      } catch (error) {
        if (ended.signal.aborted) return;
        const problem = asProblem(error);
        setState((was) => ({
          key,
          data: was.key === key ? was.data : undefined,
          problem,
          loading: false,
        }));
        const fleeting = problem.status === 0 || problem.status === 429 || problem.status >= 500;
        again(everyMs > 0 || fleeting ? Math.max(everyMs, 2000, problem.retryAfterS * 1000) : 0);
      }
    };
    setState((was) => ({
      key,
      data: was.key === key ? was.data : undefined,
      problem: was.key === key ? was.problem : undefined,
      loading: true,
    }));
    void once();
    return () => {
      clearTimeout(timer);
      ended.abort();
    };
  }, [key, everyMs, turn]);
  const reload = useCallback(() => setTurn((was) => was + 1), []);
  return state.key === key
    ? { ...state, reload }
    : { data: undefined, problem: undefined, loading: key !== null, reload };
}

/**
 * A live stream for as long as the component is there; null: none.
 * @returns why the gateway refuses it, which the component says (RefusedNote); empty: it does not
 */
export function useLive(selection: Selection | null, handlers: Omit<Handlers, "onRefused">): string {
  const [refused, setRefused] = useState("");
  const latest = useRef(handlers);
  latest.current = handlers;
  const key = selection === null ? null : JSON.stringify(selection);
  useEffect(() => {
    setRefused("");
    if (key === null) return;
    return openStream(JSON.parse(key) as Selection, {
      onRecords: (records, areLast) => latest.current.onRecords(records, areLast),
      onBegin: () => latest.current.onBegin?.(),
      onGap: () => latest.current.onGap?.(),
      onRefused: setRefused,
    });
  }, [key]);
  return refused;
}

/** The time, in milliseconds since 1970, told anew every `everyMs`. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** `value`, once it has not changed for a while. */
export function useSettled<T>(value: T, ms = 250): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}

/**
 * A text that is typed, and given on when it is ready. What is given on comes back as `value`; a value of somebody
 * else's, as by going back, is taken over.
 * @param ms  it is given on when nothing was typed for so long; 0: only when it is told to
 */
export function useTyped(value: string, give: (text: string) => void, ms = 0) {
  const [text, setText] = useState(value);
  const given = useRef(value);
  const latest = useRef(give);
  latest.current = give;
  useEffect(() => {
    if (value === given.current) return; // perhaps more was typed meanwhile
    given.current = value;
    setText(value);
  }, [value]);
  const now = useCallback((what: string) => {
    if (what === given.current) return;
    given.current = what;
    latest.current(what);
  }, []);
  useEffect(() => {
    if (ms === 0) return;
    const timer = setTimeout(() => now(text), ms);
    return () => clearTimeout(timer);
  }, [text, ms, now]);
  return {
    text,
    /** Another one stands there, and is given on at once. */
    set(what: string) {
      setText(what);
      now(what);
    },
    /** For the field. */
    input: {
      value: text,
      onChange: (event: { target: { value: string } }) => setText(event.target.value),
      onBlur: () => now(text),
      onKeyDown: (event: { key: string }) => {
        if (event.key === "Enter") now(text);
      },
    },
  };
}

/**
 * Columns of pixels to ask a series for, in steps of `step`: at once for the first width, then once it has not changed
 * for a while, since a column more or less is not worth a question. 0: not known yet
 */
export function useColumns(width: number, step = 50): number {
  const now = width === 0 ? 0 : Math.max(100, Math.round(width / step) * step);
  return useSettled(now, 150) || now;
}

/** The size of an element in CSS pixels. */
export function useSize<E extends HTMLElement>() {
  const ref = useRef<E>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const watcher = new ResizeObserver(() => {
      setSize((was) =>
        was.width === element.clientWidth && was.height === element.clientHeight
          ? was
          : { width: element.clientWidth, height: element.clientHeight },
      );
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  return [ref, size] as const;
}
