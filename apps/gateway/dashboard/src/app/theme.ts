// SPDX-License-Identifier: Apache-2.0
import { makeKept, makeStore } from "./store";

export type Theme = "system" | "light" | "dark";
export const theme = makeKept<Theme>("theme", "system");
const dark = matchMedia("(prefers-color-scheme: dark)");
const resolve = () =>
  theme.get() === "system" ? (dark.matches ? "dark" : "light") : (theme.get() as "light" | "dark");

/** What is shown now. */
export const shownTheme = makeStore<"light" | "dark">(resolve());

export function startTheme() {
  const apply = () => {
    document.documentElement.dataset.theme = resolve();
    shownTheme.set(resolve());
  };
  theme.subscribe(apply);
  dark.addEventListener("change", apply);
  apply();
}

/** The value of a design token now, for what is drawn on a canvas. */
export const token = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();
