// SPDX-License-Identifier: Apache-2.0
import { useSyncExternalStore } from "react";

/** A value outside of the tree of components. */
export interface Store<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

export function makeStore<T>(first: T): Store<T> {
  let now = first;
  const listeners = new Set<() => void>();
  return {
    get: () => now,
    set: (value) => {
      if (Object.is(value, now)) return;
      now = value;
      listeners.forEach((one) => one());
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export const useStore = <T>(store: Store<T>): T => useSyncExternalStore(store.subscribe, store.get);

/** A store that this browser keeps. What is there and is no JSON counts as nothing. */
export function makeKept<T>(key: string, fallback: T): Store<T> {
  const name = `telemetry.${key}`;
  let first = fallback;
  try {
    const text = localStorage.getItem(name);
    if (text !== null) first = JSON.parse(text) as T;
  } catch {
    // Storage may be forbidden.
  }
  const store = makeStore(first);
  store.subscribe(() => {
    try {
      localStorage.setItem(name, JSON.stringify(store.get()));
    } catch {
      // It holds for this visit.
    }
  });
  return store;
}
