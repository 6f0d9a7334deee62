// SPDX-License-Identifier: Apache-2.0
import { useCallback, useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type { LiveRecord } from "../../api/live";
import { brief, count, short } from "../../app/format";
import { useLive, useSettled } from "../../app/hooks";
import { Icon, Pill, RefusedNote, Scroller, Text, type ScrollerHandle } from "../../ui";
import { rowsOf, treeOf, type Branch, type Topic } from "./tree";

const row_height = 30;
const open_all_max = 60; // topics; more begin with the first level
const watched_max = 100; // of one subscription

/**
 * The tree of topics with the newest value of each that is seen.
 * @param searching  everything is open
 */
export function TopicTree({ topics, selected, searching, label, onSelect }: {
  topics: readonly Topic[];
  selected: string;
  searching: boolean;
  label: string;
  onSelect: (topic: string) => void;
}) {
  const id = useId();
  const branches = useMemo(() => treeOf(topics), [topics]);
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const few = topics.length <= open_all_max;
  const rows = useMemo(
    () => rowsOf(branches, (branch) => (few || searching || selected.startsWith(`${branch.path}/`)) !== toggled.has(branch.path)),
    [branches, toggled, few, searching, selected],
  );
  const [at, setAt] = useState("");
  const active = Math.max(0, rows.findIndex((row) => row.key === at));
  const scroller = useRef<ScrollerHandle>(null);
  const [[first, last], setRange] = useState([0, 0]);
  const onRange = useCallback((from: number, to: number) => setRange([from, to]), []);
  const seen = useMemo(
    () => rows.slice(first, last).filter((row) => row.branch.topic).map((row) => row.branch.path).slice(0, watched_max),
    [rows, first, last],
  );
  const { values, refused } = useLastValues(useSettled(seen, 200));

  const toggle = (branch: Branch) => {
    const next = new Set(toggled);
    if (!next.delete(branch.path)) next.add(branch.path);
    setToggled(next);
  };
  const choose = (branch: Branch) => (branch.topic ? onSelect(branch.path) : toggle(branch));
  const move = (to: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, to))];
    if (row === undefined) return;
    setAt(row.key);
    scroller.current?.show(rows.indexOf(row));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    switch (event.key) {
      case "ArrowDown": move(active + 1); break;
      case "ArrowUp": move(active - 1); break;
      case "PageDown": move(active + 15); break;
      case "PageUp": move(active - 15); break;
      case "Home": move(0); break;
      case "End": move(rows.length - 1); break;
      case "ArrowRight":
        if (row.branch.branches.length > 0) row.open ? move(active + 1) : toggle(row.branch);
        break;
      case "ArrowLeft":
        if (row.open) toggle(row.branch);
        else for (let i = active - 1; i >= 0; --i) if (rows[i]!.level < row.level) { move(i); break; }
        break;
      case "Enter": choose(row.branch); break;
      case " ": row.branch.branches.length > 0 ? toggle(row.branch) : choose(row.branch); break;
      default: return;
    }
    event.preventDefault();
  };
  return (
    <>
      <RefusedNote why={refused} />
      <Scroller className="topics-tree" role="tree" aria-label={label} handle={scroller} count={rows.length} rowHeight={row_height} onRange={onRange}
        aria-activedescendant={rows.length > 0 ? `${id}-${active}` : undefined} onKeyDown={onKeyDown}
        render={(i) => {
          const { branch, key, level, place, siblings, open } = rows[i]!;
          const leaf = branch.branches.length === 0;
          const value = values.get(branch.path);
          return (
            <div key={key} id={`${id}-${i}`} role="treeitem" aria-level={level} aria-posinset={place} aria-setsize={siblings}
              aria-expanded={leaf ? undefined : open} aria-selected={branch.topic !== undefined && branch.path === selected}
              className={i === active ? "topics-row topics-row-active" : "topics-row"} style={{ height: row_height, paddingLeft: 8 + (level - 1) * 16 }}
              onClick={() => { setAt(key); choose(branch); }}>
              <span className="topics-mark" onClick={(event) => { if (!leaf) { event.stopPropagation(); setAt(key); toggle(branch); } }}>
                {!leaf && <Icon name={open ? "down" : "right"} size={14} />}
              </span>
              <span className="topics-name"><Text of={branch.label === "" ? "(empty level)" : branch.label} max={300} /></span>
              {!leaf && <span className="dim">{count(branch.topics)}</span>}
              {branch.topic && branch.topic.invalid > 0 && <Pill kind="bad">{count(branch.topic.invalid)} invalid</Pill>}
              <span className="topics-value mono">{value !== undefined && <Text of={brief(value.payload)} max={160} />}</span>
              <span className="topics-rate numbers dim">{branch.rate > 0 ? `${short(branch.rate)}/min` : ""}</span>
            </div>
          );
        }} />
    </>
  );
}

/** The newest message of each of these topics, as they come. */
function useLastValues(topics: readonly string[]): { values: ReadonlyMap<string, LiveRecord>; refused: string } {
  const kept = useRef(new Map<string, LiveRecord>());
  const [shown, setShown] = useState<ReadonlyMap<string, LiveRecord>>(new Map());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const refused = useLive(topics.length === 0 ? null : { topics: [...topics], last_values: true }, {
    onRecords: (records) => {
      for (const one of records) kept.current.set(one.topic, one);
      timer.current ??= setTimeout(() => {
        timer.current = undefined;
        if (kept.current.size > 2000) kept.current = new Map([...kept.current].slice(-1000));
        setShown(new Map(kept.current));
      }, 250);
    },
  });
  return { values: shown, refused };
}
