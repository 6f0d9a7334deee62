// SPDX-License-Identifier: Apache-2.0
import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";
import { Text } from "./Text";

interface Common {
  label: string;
  /** The label is not seen, only read out. */
  bare?: boolean;
  hint?: ReactNode;
  /** What is wrong with the value, and what to do. */
  wrong?: string | undefined;
}
function useWords({ label, bare, hint, wrong }: Common) {
  const id = useId();
  const props = {
    id,
    className: "input",
    "aria-invalid": wrong ? (true as const) : undefined,
    "aria-describedby": wrong || hint ? `${id}-words` : undefined,
  };
  const around = (input: ReactNode) => (
    <div className="field">
      <label className={bare ? "unseen" : "field-label"} htmlFor={id}>
        {label}
      </label>
      {input}
      {(wrong || hint) && (
        <span id={`${id}-words`} className={wrong ? "field-wrong" : "field-hint"}>
          {wrong ? <Text of={wrong} /> : hint}
        </span>
      )}
    </div>
  );
  return [props, around] as const;
}

export function Field({ label, bare, hint, wrong, ...rest }: Common & InputHTMLAttributes<HTMLInputElement>) {
  const [props, around] = useWords({ label, bare: bare ?? false, hint, wrong });
  return around(<input autoComplete="off" spellCheck={false} {...props} {...rest} />);
}
export function TextArea({ label, bare, hint, wrong, ...rest }: Common & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const [props, around] = useWords({ label, bare: bare ?? false, hint, wrong });
  return around(<textarea spellCheck={false} rows={6} {...props} {...rest} />);
}
export function Select({ label, bare, hint, wrong, options, ...rest }: Common &
  SelectHTMLAttributes<HTMLSelectElement> & { options: readonly { value: string; text: string }[] }) {
  const [props, around] = useWords({ label, bare: bare ?? false, hint, wrong });
  return around(
    <select {...props} {...rest}>
      {options.map((one) => (
        <option key={one.value} value={one.value}>
          {one.text}
        </option>
      ))}
    </select>,
  );
}
