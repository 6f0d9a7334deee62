// SPDX-License-Identifier: Apache-2.0
import { makeStore, useStore } from "../app/store";
import { IconButton } from "./Button";
import { Text } from "./Text";

interface Said {
  id: number;
  text: string;
  bad: boolean;
}
const said = makeStore<Said[]>([]);
let next = 0;
const stay_ms = 8000;
const drop = (id: number) => said.set(said.get().filter((one) => one.id !== id));

/** Says what was done. What went wrong stays until it is closed. */
export function toast(text: string, bad = false) {
  const id = ++next;
  said.set([...said.get(), { id, text, bad }].slice(-4));
  if (!bad) setTimeout(() => drop(id), stay_ms);
}

export function Toasts() {
  const all = useStore(said);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {all.map((one) => (
        <div key={one.id} className={one.bad ? "toast toast-bad" : "toast"}>
          <span className="grow"><Text of={one.text} /></span>
          <IconButton icon="close" label="Close" onClick={() => drop(one.id)} />
        </div>
      ))}
    </div>
  );
}
