// SPDX-License-Identifier: Apache-2.0
import { api, Problem, type AnswerOf } from "../../api/client";

export type Board = AnswerOf<"/api/boards">["data"][number];
export type Pinned = Board["document"]["charts"][number];

/** The gateway has no route for boards. */
export const isMissing = (error: unknown) => error instanceof Problem && error.status === 404;

export const saveBoard = (name: string, charts: Pinned[]) =>
  api.put("/api/boards/{name}", { path: { name }, body: { document: { charts } } });

/** Puts a chart behind those that are on the board now. */
export async function pinTo(name: string, chart: Pinned): Promise<void> {
  const all = await api.get("/api/boards");
  const board = all.data.find((one) => one.name === name);
  await saveBoard(name, [...(board?.document.charts ?? []), chart]);
}
