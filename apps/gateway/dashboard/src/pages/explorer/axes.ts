// SPDX-License-Identifier: Apache-2.0
// What stands at the axes of a chart, and the finger on it.
import type uPlot from "uplot";
import { clock, day } from "../../app/format";

const side_min = 40; // pixels

/** As wide as its longest text. */
export function sideWidth(u: uPlot, texts: string[] | null, axis: number, cycle: number): number {
  const of = u.axes[axis] as uPlot.Axis & { _size: number };
  if (cycle > 1) return of._size; // it would go on for ever
  const longest = (texts ?? []).reduce((most, one) => (one.length > most.length ? one : most), "");
  u.ctx.font = String(Array.isArray(of.font) ? of.font[0] : of.font);
  return Math.max(side_min, Math.ceil(u.ctx.measureText(longest).width / devicePixelRatio + 12));
}

const day_s = 86_400, year_s = 300 * day_s;
/** The day stands where it changes, so that the rest can be short. */
export function timeMarks(_: uPlot, marks: number[]): string[] {
  const gap = (marks[1] ?? 0) - (marks[0] ?? 0);
  let before = "";
  return marks.map((mark) => {
    const ms = mark * 1000, text = clock(ms, ms), today = day(ms);
    const fresh = before !== "" && before !== today;
    before = today;
    if (gap >= year_s) return String(new Date(ms).getFullYear());
    if (gap >= day_s || fresh) return today;
    if (gap > 0 && gap < 1) return `${text.slice(3)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;
    return gap < 60 ? text : text.slice(0, 5);
  });
}

const hold_ms = 300, still_px = 8;
/**
 * A finger: a tap reads the values there, one that is held and then moved reads along the line, one that moves at once
 * selects a time. Up and down scrolls the page (touch-action).
 */
export function takeTouch(u: uPlot, select: (left: number, right: number) => void) {
  let from: number | null = null, began = 0, mode: "tap" | "read" | "select" = "tap";
  const { over } = u;
  const placeOf = (event: PointerEvent) => {
    const box = over.getBoundingClientRect();
    return Math.min(box.width, Math.max(0, event.clientX - box.left));
  };
  const clear = () => {
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    from = null;
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "touch" || !event.isPrimary) return;
    event.preventDefault(); // no mouse that follows it
    from = placeOf(event);
    began = event.timeStamp;
    mode = "tap";
    u.setCursor({ left: from, top: 10 });
  });
  over.addEventListener("pointermove", (event) => {
    if (from === null || event.pointerType !== "touch" || !event.isPrimary) return;
    const to = placeOf(event);
    if (mode === "tap") {
      if (event.timeStamp - began > hold_ms) mode = "read";
      else if (Math.abs(to - from) > still_px) mode = "select";
    }
    u.setCursor({ left: to, top: 10 });
    if (mode === "select")
      u.setSelect({ left: Math.min(from, to), top: 0, width: Math.abs(to - from), height: over.clientHeight }, false);
  });
  over.addEventListener("pointerup", (event) => {
    if (from === null || event.pointerType !== "touch" || !event.isPrimary) return;
    const to = placeOf(event), begin = from;
    clear();
    if (mode === "select") select(Math.min(begin, to), Math.max(begin, to));
  });
  over.addEventListener("pointercancel", clear);
}
