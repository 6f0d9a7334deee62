// SPDX-License-Identifier: Apache-2.0
// Addresses without hashes. Every page lies one level below the root: "topics?topic=a%2Fb".
import { useMemo, useSyncExternalStore } from "react";

const listeners = new Set<() => void>();
const told = () => listeners.forEach((one) => one());
window.addEventListener("popstate", told);

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** The root of the gateway as the browser sees it, with a slash at its end. */
export const root = () => new URL(".", location.href.split(/[?#]/)[0]);

export function queryText(query: Query): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === "" || value === false) continue;
    for (const one of Array.isArray(value) ? value : [value]) out.append(name, String(one));
  }
  return out.toString().replaceAll("+", "%20");
}

/** The query of an address. "+" is a plus, as topic filters have it: a space is never written as one. */
export const readQuery = (text: string) => new URLSearchParams(text.replaceAll("+", "%2B"));

export function href(page: string, query: Query = {}): string {
  const text = queryText(query);
  const path = new URL(page === "overview" ? "." : page, root()).pathname;
  return text === "" ? path : `${path}?${text}`;
}

export function navigate(page: string, query: Query = {}, options: { replace?: boolean } = {}) {
  const to = href(page, query);
  if (to === location.pathname + location.search) return;
  if (options.replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  told();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
const current = () => location.pathname + location.search;

export interface Route {
  page: string;
  query: URLSearchParams;
}

export function useRoute(): Route {
  const now = useSyncExternalStore(subscribe, current);
  return useMemo(() => {
    const cut = now.indexOf("?");
    const path = cut < 0 ? now : now.slice(0, cut), search = cut < 0 ? "" : now.slice(cut);
    const page = decodeURIComponent(path.slice(path.lastIndexOf("/") + 1));
    return { page: page === "" ? "overview" : page, query: readQuery(search) };
  }, [now]);
}

/**
 * State that stands in the address. `set` keeps what it does not name; a value that is the
 * fallback is left out of the address.
 */
export function useQueryState<T extends Record<string, string>>(
  fallback: T,
): [T, (change: Partial<T>, options?: { replace?: boolean }) => void] {
  const { page, query } = useRoute();
  const state = Object.fromEntries(
    Object.keys(fallback).map((key) => [key, query.get(key) ?? fallback[key]!]),
  ) as T;
  const set = (change: Partial<T>, options: { replace?: boolean } = { replace: true }) => {
    const all: Record<string, string[]> = {};
    const now = readQuery(location.search);
    for (const key of now.keys()) all[key] = now.getAll(key);
    for (const [key, value] of Object.entries(change))
      all[key] = value === undefined || value === fallback[key] ? [] : [value];
    navigate(page, all, options);
  };
  return [state, set];
}
