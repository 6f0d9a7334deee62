// SPDX-License-Identifier: Apache-2.0
import { api, Problem, type AnswerOf } from "../../api/client";

export type Board = AnswerOf<"/api/boards">["data"][number];
export type Pinned = Board["document"]["charts"][number];

/** The gateway has no route for boards. */
export const isMissing = (error: unknown) => error instanceof Problem && error.status === 404;

/** Somebody else has changed, made or removed the board meanwhile. */
export const isOvertaken = (error: unknown): error is Problem =>
  error instanceof Problem && (error.status === 412 || error.status === 428);

/** @param seen  the board as the change knows it; undefined: there was none */
export const saveBoard = (name: string, seen: Board | undefined, charts: Pinned[]) =>
  api.put("/api/boards/{name}", {
    path: { name },
    body: { document: { charts } },
    ...(seen && { version: seen.version }),
  });

const tries_max = 5;

/** Puts a chart behind those that are on the board now. */
export async function pinTo(name: string, chart: Pinned): Promise<void> {
  for (let tries = 1; ; ++tries) {
    const all = await api.get("/api/boards");
    const board = all.data.find((one) => one.name === name);
    try {
      await saveBoard(name, board, [...(board?.document.charts ?? []), chart]);
      return;
    } catch (error) {
      if (!isOvertaken(error) || tries === tries_max) throw error;
    }
  }
}
