// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from "react";
import { api, Problem, type AnswerOf } from "../../api/client";

export type Letter = AnswerOf<"/api/dead_letters">["data"][number];

const page = 100;
const page_with_reason = 1000;
const pages_at_once = 10; // then it asks whether to look further

interface State {
  letters: Letter[];
  /** Letters that were looked through. */
  seen: number;
  cursor: string | null;
  loading: boolean;
  problem: Problem | undefined;
}
const fresh: State = { letters: [], seen: 0, cursor: null, loading: true, problem: undefined };

/**
 * Letters, newest first, as many as were asked for so far.
 * @param reason  only those; the gateway tells letters by topic and time, so they are looked through here
 */
export function useLetters(topic: string, start: string, reason: string) {
  const [state, setState] = useState<State>(fresh);
  const ended = useRef<AbortController>(null);
  const load = useCallback(
    async (from: State) => {
      ended.current?.abort();
      const controller = (ended.current = new AbortController());
      const { signal } = controller;
      let now: State = { ...from, loading: true, problem: undefined };
      setState(now);
      const wanted = now.letters.length + page;
      try {
        for (let i = 0; i < (reason === "" ? 1 : pages_at_once) && now.letters.length < wanted; ++i) {
          const query = { topic, start, limit: reason === "" ? page : page_with_reason, cursor: now.cursor ?? "" };
          const answer = await api.get("/api/dead_letters", { query, signal });
          const some = answer.data.filter((letter) => reason === "" || letter.reason === reason);
          now = {
            ...now,
            letters: [...now.letters, ...some],
            seen: now.seen + answer.data.length,
            cursor: answer.next_cursor,
          };
          if (signal.aborted) return;
          setState(now);
          if (now.cursor === null) break;
        }
        setState({ ...now, loading: false });
      } catch (error) {
        if (signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, { detail: String(error) });
        setState({ ...now, loading: false, problem });
      }
    },
    [topic, start, reason],
  );
  useEffect(() => {
    void load(fresh);
    return () => ended.current?.abort();
  }, [load]);
  return {
    ...state,
    more: () => void load(state),
    reload: () => void load(fresh),
  };
}
