// SPDX-License-Identifier: Apache-2.0
import { useEffect, useId, useRef, type FormEvent, type ReactNode } from "react";
import { Button, IconButton } from "./Button";

/**
 * A window over the page; it is there while the component is. Escape closes it. What has the attribute
 * data-first is where one begins.
 * @param onClose  null: it cannot be closed, only answered
 */
export function Dialog({ title, wide = false, onClose, onSubmit, foot, children }: {
  title: string;
  wide?: boolean;
  onClose: (() => void) | null;
  onSubmit?: () => void;
  foot?: ReactNode;
  children: ReactNode;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog?.showModal(); // which looks at no autoFocus of React's
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog ref={ref} className={wide ? "dialog dialog-wide" : "dialog"} aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        if (event.key === "Escape" && onClose === null) event.preventDefault();
      }}>
      <form onSubmit={submit}>
        <div className="dialog-head">
          <h2 id={id}>{title}</h2>
          {onClose && <IconButton icon="close" label="Close" onClick={onClose} />}
        </div>
        <div className="dialog-body">
          {children}
          {foot && <div className="dialog-foot">{foot}</div>}
        </div>
      </form>
    </dialog>
  );
}

/** Asks before something that cannot be undone. @param what  a sentence that names it */
export function Confirm({ title, what, action, onYes, onNo }: {
  title: string;
  what: ReactNode;
  action: string;
  onYes: () => void;
  onNo: () => void;
}) {
  return (
    <Dialog title={title} onClose={onNo} onSubmit={onYes}
      foot={<>
        <Button onClick={onNo} data-first>Cancel</Button>
        <Button kind="danger" type="submit">{action}</Button>
      </>}>
      <p>{what}</p>
    </Dialog>
  );
}
