// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, type MouseEvent } from "react";
import { Button } from "./Button";

/** Over plain HTTP browsers have no clipboard but the old command. */
function copyByCommand(text: string, near: HTMLElement): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  near.after(area); // in the dialog that is open: the rest of the page takes no focus
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  near.focus();
  return done;
}

export function CopyButton({ text, label = "Copy", kind = "plain" }: { text: string; label?: string; kind?: "plain" | "main" | "quiet" }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), 4000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async (event: MouseEvent<HTMLButtonElement>) => {
    const button = event.currentTarget;
    let done: boolean;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      done = copyByCommand(text, button);
    }
    setSaid(done ? "Copied" : "Not copied: select the text and copy it by hand");
  };
  return (
    <>
      <Button icon={said === "Copied" ? "check" : "copy"} kind={kind} onClick={(event) => void copy(event)}>
        {label}
      </Button>
      <span className={said.startsWith("Not") ? "field-wrong" : "unseen"} role="status">{said}</span>
    </>
  );
}
