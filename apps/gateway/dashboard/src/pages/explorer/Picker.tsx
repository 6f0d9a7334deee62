// SPDX-License-Identifier: Apache-2.0
import { useId, useState, type KeyboardEvent, type ReactNode } from "react";
import { useAsk, useSettled } from "../../app/hooks";
import { Button, IconButton, plainText, Text } from "../../ui";

/**
 * Several texts, each entered by Enter or taken from what is proposed while one types.
 * @param propose  what fits to the text; left out: nothing is proposed
 */
export function Picker({ label, one, values, onChange, propose, placeholder, hint, wrong }: {
  label: string;
  /** What a value is: "topic". */
  one: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
  propose?: (text: string, signal: AbortSignal) => Promise<string[]>;
  placeholder?: string;
  hint?: ReactNode;
  wrong?: string | undefined;
}) {
  const id = useId();
  const [text, setText] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const settled = useSettled(text, 150);
  const asked = useAsk(propose && isOpen ? `${label} ${settled}` : null, (signal) => propose!(settled.trim(), signal));
  const options = isOpen ? (asked.data ?? []).filter((each) => !values.includes(each)) : [];
  const add = (value: string) => {
    const clean = value.trim();
    if (clean !== "" && !values.includes(clean)) onChange([...values, clean]);
    setText("");
    setActive(-1);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setOpen(true);
      const by = event.key === "ArrowDown" ? 1 : -1;
      if (options.length > 0) setActive((active + by + options.length + (active < 0 && by < 0 ? 1 : 0)) % options.length);
    } else if (event.key === "Enter") {
      if (active < 0 && text.trim() === "") return;
      // What was proposed and marked may have gone meanwhile: nothing else is taken in its place.
      if (active < 0 || options[active] !== undefined) add(options[active] ?? text);
    } else if (event.key === "Escape" && isOpen) setOpen(false);
    else if (event.key === "Backspace" && text === "" && values.length > 0) {
      onChange(values.slice(0, -1));
      return;
    } else return;
    event.preventDefault();
  };
  return (
    <div className="field explorer-picker">
      <label className="field-label" htmlFor={id}>{label}</label>
      {values.length > 0 && (
        <ul className="explorer-chips" aria-label={`${label} chosen`}>
          {values.map((value) => (
            <li key={value} className="explorer-chip">
              <Text of={value} max={300} />
              <IconButton icon="close" label={`Remove ${plainText(value)}`} onClick={() => onChange(values.filter((each) => each !== value))} />
            </li>
          ))}
        </ul>
      )}
      <input id={id} className="input" autoComplete="off" spellCheck={false} value={text} placeholder={placeholder}
        aria-invalid={wrong ? true : undefined} aria-describedby={wrong || hint ? `${id}-words` : undefined}
        {...(propose && {
          role: "combobox", "aria-expanded": options.length > 0, "aria-controls": `${id}-list`, "aria-autocomplete": "list" as const,
          "aria-activedescendant": options[active] === undefined ? undefined : `${id}-${active}`,
        })}
        onChange={(event) => {
          setText(event.target.value);
          setOpen(true);
          setActive(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown} />
      {propose && (
        <ul id={`${id}-list`} role="listbox" aria-label={`${label} proposed`} className="explorer-options" hidden={options.length === 0}>
          {options.map((option, i) => (
            <li key={option} id={`${id}-${i}`} role="option" aria-selected={i === active} className="explorer-option"
              onMouseDown={(event) => {
                event.preventDefault(); // the focus stays
                add(option);
              }}>
              <Text of={option} max={300} />
            </li>
          ))}
        </ul>
      )}
      {(wrong || hint) && (
        <span id={`${id}-words`} className={wrong ? "field-wrong" : "field-hint"}>{wrong ? <Text of={wrong} /> : hint}</span>
      )}
      {text.trim() !== "" && !isOpen && (
        <span className="row explorer-unfinished">
          <span className="field-hint" role="status">Not used yet.</span>
          <Button onClick={() => add(text)}>Use this {one}</Button>
          <Button kind="quiet" onClick={() => setText("")}>Clear</Button>
        </span>
      )}
      {propose && isOpen && asked.data?.length === 0 && text !== "" && (
        <span className="field-hint" role="status">No {one} has this in its name. Enter takes it as it is.</span>
      )}
    </div>
  );
}
