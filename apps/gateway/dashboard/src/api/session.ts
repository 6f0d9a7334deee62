// SPDX-License-Identifier: Apache-2.0
// Who asks. When the session has ended, whoever asked waits here until somebody has signed in.
import { root } from "../app/router";
import { makeStore } from "../app/store";

export interface Session {
  name: string;
  role: "viewer" | "operator" | "admin";
  /** Topic filters; null for all topics. */
  scope: string[] | null;
  csrf_token: string | null;
}

export const session = makeStore<Session | null>(null);
/** Why somebody must sign in; null: nobody must. */
export const signInReason = makeStore<string | null>(null);

let waiting: (() => void)[] = [];

/** Opens the sign-in over the page. Resolves when somebody has signed in. */
export function signedIn(reason: string): Promise<void> {
  if (signInReason.get() === null) signInReason.set(reason);
  return new Promise((resolve) => waiting.push(resolve));
}

// Windows of one browser share its cookie: who signs in in one of them is who asks in all.
const others = new BroadcastChannel(`telemetry.session ${root().pathname}`);
others.onmessage = (event: MessageEvent<Session>) => take(event.data);

/** Somebody has signed in, or had. */
export function welcome(who: Session) {
  take(who);
  others.postMessage(who);
}

function take(who: Session) {
  const before = session.get();
  session.set(who);
  signInReason.set(null);
  const woken = waiting;
  waiting = [];
  if (before !== null && before.name !== who.name) {
    location.reload(); // another one may see other things
    return;
  }
  woken.forEach((one) => one());
}

const rank = { viewer: 0, operator: 1, admin: 2 } as const;
export const mayDo = (who: Session | null, role: Session["role"]) =>
  who !== null && rank[who.role] >= rank[role];
/** Numbers over all topics are for those without a scope. */
export const seesAll = (who: Session | null) => who !== null && who.scope === null;
