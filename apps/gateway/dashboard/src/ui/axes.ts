// SPDX-License-Identifier: Apache-2.0
// What all charts have of uPlot: axes as wide as their texts, and fingers.
import type uPlot from "uplot";

const axis_min_px = 44, character_px = 6.4, margin_px = 14;
/** Room for half of a time at the right edge. */
export const beside_px = 28;

/** As wide as the longest text of its marks. */
export const axisSize: uPlot.Axis.Size = (_, texts) =>
  Math.max(axis_min_px, Math.ceil(Math.max(0, ...(texts ?? []).map((one) => one.length)) * character_px + margin_px));

/**
 * A finger reads the values where it is; along the chart it selects a time, up and down it scrolls the page
 * (touch-action of .u-over).
 * @param least  pixels of a selection
 */
export function byTouch(u: uPlot, least: number) {
  const { over } = u;
  let from: number | null = null; // where the finger came down
  const place = (event: PointerEvent) => {
    const box = over.getBoundingClientRect();
    return { left: Math.min(box.width, Math.max(0, event.clientX - box.left)), top: Math.max(0, event.clientY - box.top) };
  };
  const select = (to: number, isDone: boolean) => {
    const width = Math.abs(to - (from ?? to));
    u.setSelect({ left: Math.min(to, from ?? to), top: 0, width: width < least ? 0 : width, height: over.clientHeight }, isDone);
  };
  const isMine = (event: PointerEvent) => event.pointerType === "touch" && event.isPrimary;
  over.addEventListener("pointerdown", (event) => {
    if (!isMine(event)) return;
    const at = place(event);
    from = at.left;
    over.setPointerCapture(event.pointerId);
    u.setCursor(at);
  });
  over.addEventListener("pointermove", (event) => {
    if (!isMine(event) || from === null) return;
    const at = place(event);
    u.setCursor(at);
    select(at.left, false);
  });
  over.addEventListener("pointerup", (event) => {
    if (!isMine(event) || from === null) return;
    const { left } = place(event);
    select(left, Math.abs(left - from) >= least);
    from = null;
  });
  over.addEventListener("pointercancel", (event) => {
    if (!isMine(event)) return;
    from = null;
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  });
}
