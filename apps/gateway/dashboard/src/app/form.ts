// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState } from "react";
import { Problem } from "../api/client";

/**
 * Sends a form once at a time. What the gateway refuses stands at the field that it names, which
 * then has the focus.
 * @param fields  names of the form's fields, as the gateway calls them
 */
export function useSubmit(fields: readonly string[]) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => {
    if (problem === undefined) return;
    const form = document.querySelector("dialog[open]") ?? document.querySelector("main");
    form?.querySelector<HTMLElement>("[aria-invalid='true']")?.focus();
  }, [problem]);
  const submit = async (send: () => Promise<void>) => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      await send();
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, { code: "page", detail: String(error) }));
    }
    setBusy(false);
  };
  /** What is wrong with a field. */
  const wrong = (field: string): string | undefined => {
    const part = problem?.parts.find((one) => one.parameter === field);
    if (part === undefined) return undefined;
    const text = part.detail.startsWith(`${field}: `) ? part.detail.slice(field.length + 2) : part.detail;
    return part.hint ? `${text} ${part.hint}` : text;
  };
  const isPlaced = problem?.parts.some((one) => fields.includes(one.parameter)) ?? false;
  /** What no field stands for. */
  const rest = isPlaced ? undefined : problem;
  return { busy, wrong, rest, submit };
}
