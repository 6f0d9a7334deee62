// SPDX-License-Identifier: Apache-2.0
import { useId, useRef, type KeyboardEvent, type ReactNode } from "react";

/** Tabs with the arrow keys, Home and End. Only the panel that is open is there. */
export function Tabs<T extends string>({ label, tabs, open, onOpen, children }: {
  label: string;
  tabs: readonly { value: T; text: ReactNode }[];
  open: T;
  onOpen: (value: T) => void;
  children: ReactNode;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex((one) => one.value === open);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = (to + tabs.length) % tabs.length;
    onOpen(tabs[next]!.value);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  };
  return (
    <>
      <div ref={list} className="tabs" role="tablist" aria-label={label} onKeyDown={onKeyDown}>
        {tabs.map((one) => (
          <button key={one.value} type="button" role="tab" id={`${id}-${one.value}`} className="tab"
            aria-selected={one.value === open} aria-controls={`${id}-panel`}
            tabIndex={one.value === open ? 0 : -1} onClick={() => onOpen(one.value)}>
            {one.text}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${open}`}>{children}</div>
    </>
  );
}
