// SPDX-License-Identifier: Apache-2.0
import type { AnswerOf } from "../../api/client";

export type Topic = AnswerOf<"/api/topics">["data"][number];

/** A level of topics, or several that have one child each. */
export interface Branch {
  /** "sensors", or "sensor-001/temperature" */
  label: string;
  /** From the root to here, without a slash at the end; of a topic its name. */
  path: string;
  topic: Topic | undefined;
  branches: Branch[];
  topics: number;
  rate: number;
}
interface Building {
  topic: Topic | undefined;
  below: Map<string, Building>;
}

export function treeOf(topics: readonly Topic[]): Branch[] {
  const root: Building = { topic: undefined, below: new Map() };
  for (const topic of topics) {
    let at = root;
    for (const level of topic.topic.split("/")) {
      let next = at.below.get(level);
      if (next === undefined) at.below.set(level, (next = { topic: undefined, below: new Map() }));
      at = next;
    }
    at.topic = topic;
  }
  // A topic may have 32,767 levels: what has one branch alone is a loop.
  const finish = (built: Building, parent: string | null): Branch[] => {
    const out: Branch[] = [];
    for (let [label, one] of built.below) {
      const levels = [label];
      while (one.topic === undefined && one.below.size === 1) {
        const [next, only] = one.below.entries().next().value!;
        levels.push(next);
        one = only;
      }
      label = levels.join("/");
      const path = parent === null ? label : `${parent}/${label}`;
      const branches = finish(one, path);
      out.push({
        label,
        path,
        topic: one.topic,
        branches,
        topics: branches.reduce((sum, b) => sum + b.topics, one.topic ? 1 : 0),
        rate: branches.reduce((sum, b) => sum + b.rate, one.topic?.rate_per_minute ?? 0),
      });
    }
    return out.sort((a, b) => (a.label < b.label ? -1 : 1));
  };
  return finish(root, null);
}

export interface Row {
  key: string;
  branch: Branch;
  level: number;
  place: number;
  siblings: number;
  open: boolean;
}

/** The rows that are seen. @param isOpen  of those that have branches */
export function rowsOf(branches: readonly Branch[], isOpen: (branch: Branch, level: number) => boolean): Row[] {
  const out: Row[] = [];
  const add = (all: readonly Branch[], level: number) => {
    all.forEach((branch, i) => {
      const open = branch.branches.length > 0 && isOpen(branch, level);
      out.push({ key: `${level}:${branch.path}`, branch, level, place: i + 1, siblings: all.length, open });
      if (open) add(branch.branches, level + 1);
    });
  };
  add(branches, 1);
  return out;
}
