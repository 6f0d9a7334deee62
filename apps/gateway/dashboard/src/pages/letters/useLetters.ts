// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useRef, useState } from "react";
import { api, Problem, type AnswerOf } from "../../api/client";

export type Letter = AnswerOf<"/api/dead_letters">["data"][number];

/** Which letters; what is empty selects nothing. Schema "none": letters that no schema has judged. */
export interface Which {
  topic: string;
  start: string;
  reason: string;
  schema: string;
}

const page = 100;

interface State {
  letters: Letter[];
  cursor: string | null;
  loading: boolean;
  problem: Problem | undefined;
}
const fresh: State = { letters: [], cursor: null, loading: true, problem: undefined };

/** Letters, newest first, as many as were asked for so far. */
export function useLetters({ topic, start, reason, schema }: Which) {
  const [state, setState] = useState<State>(fresh);
  const ended = useRef<AbortController>(null);
  const load = useCallback(
    async (from: State) => {
      ended.current?.abort();
      const controller = (ended.current = new AbortController());
      const { signal } = controller;
      setState({ ...from, loading: true, problem: undefined });
      try {
        const query = { topic, start, reason, schema, limit: page, cursor: from.cursor ?? "" };
        const answer = await api.get("/api/dead_letters", { query, signal });
        if (signal.aborted) return;
        setState({
          letters: [...from.letters, ...answer.data],
          cursor: answer.next_cursor,
          loading: false,
          problem: undefined,
        });
      } catch (error) {
        if (signal.aborted) return;
        const problem = error instanceof Problem ? error : new Problem(0, { detail: String(error) });
        setState({ ...from, loading: false, problem });
      }
    },
    [topic, start, reason, schema],
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
