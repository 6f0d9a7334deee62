// SPDX-License-Identifier: Apache-2.0
import { useEffect, useImperativeHandle, useState, type HTMLAttributes, type ReactNode, type Ref } from "react";
import { useSize } from "../app/hooks";

export interface ScrollerHandle {
  /** Scrolls so far that this row is seen. */
  show(index: number): void;
}
const spare = 8; // rows beyond the edges

/**
 * Many rows of one height, of which those that are seen are there.
 * @param render  the row, which is to be `rowHeight` pixels high
 * @param onRange  the rows from `first` to before `last` are there now
 */
export function Scroller({ count, rowHeight, render, onRange, handle, className = "", ...rest }: {
  count: number;
  rowHeight: number;
  render: (index: number) => ReactNode;
  onRange?: (first: number, last: number) => void;
  handle?: Ref<ScrollerHandle>;
} & HTMLAttributes<HTMLDivElement>) {
  const [ref, size] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const moved = () => setTop(element.scrollTop);
    element.addEventListener("scroll", moved, { passive: true });
    return () => element.removeEventListener("scroll", moved);
  }, [ref]);
  useImperativeHandle(handle, () => ({
    show(index) {
      const element = ref.current;
      if (element === null) return;
      const y = index * rowHeight;
      if (y < element.scrollTop) element.scrollTop = y;
      else if (y + rowHeight > element.scrollTop + element.clientHeight)
        element.scrollTop = y + rowHeight - element.clientHeight;
    },
  }), [ref, rowHeight]);
  const first = Math.max(0, Math.floor(top / rowHeight) - spare);
  const last = Math.min(count, Math.ceil((top + size.height) / rowHeight) + spare);
  useEffect(() => onRange?.(first, last), [onRange, first, last]);
  const rows = [];
  for (let i = first; i < last; ++i) rows.push(render(i));
  return (
    <div ref={ref} className={`scroller ${className}`} tabIndex={0} {...rest}>
      <div className="scroller-room" role="presentation" style={{ height: count * rowHeight }}>
        <div className="scroller-part" role="presentation" style={{ top: first * rowHeight }}>{rows}</div>
      </div>
    </div>
  );
}
