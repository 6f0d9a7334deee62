// SPDX-License-Identifier: Apache-2.0
import { parseExact } from "../app/json";
import { queryText, root, type Query } from "../app/router";
import { makeStore } from "../app/store";
import type { paths } from "./openapi";
import { session, signedIn, welcome, type Session } from "./session";

/** What a request came to when it did not succeed (RFC 9457), or that nobody answered. */
export class Problem extends Error {
  readonly status: number; // 0: no answer
  readonly code: string;
  readonly parts: { parameter: string; detail: string; hint?: string }[];
  readonly requestId: string | undefined;
  readonly retryAfterS: number;
  constructor(
    status: number,
    body: {
      code?: string;
      detail?: string;
      errors?: { parameter: string; detail: string; hint?: string }[];
      request_id?: string;
    },
    retryAfterS = 0,
  ) {
    super(body.detail ?? `the gateway answered with status ${status}`);
    this.status = status;
    this.code = body.code ?? "unknown";
    this.parts = body.errors ?? [];
    this.requestId = body.request_id;
    this.retryAfterS = retryAfterS;
  }
}
export const unreachable = "unreachable";

/** Since when the gateway has not answered, milliseconds since 1970; null: it answered when it was last asked. */
export const silentSince = makeStore<number | null>(null);

type Method = "get" | "post" | "put" | "patch" | "delete";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths] &
  string;
type Operation<P, M extends Method> = P extends keyof paths
  ? M extends keyof paths[P]
    ? paths[P][M]
    : never
  : never;
type Json<A> = A extends { content: { "application/json": infer B } } ? B : undefined;
type ResponsesOf<O> = O extends { responses: infer R } ? R : never;
/** The JSON of an operation's answer. */
export type AnswerOf<P extends string, M extends Method = "get"> =
  ResponsesOf<Operation<P, M>> extends infer R
    ? 200 extends keyof R
      ? Json<R[200]>
      : 201 extends keyof R
        ? Json<R[201]>
        : undefined
    : never;
type QueryOf<O> = O extends { parameters: { query?: infer Q } } ? Q : never;

export interface Options<Q = Query> {
  query?: Q;
  /** Of "{name}" in the path. */
  path?: Record<string, string>;
  /** Sent as JSON; a string or bytes as they are. */
  body?: unknown;
  /** Which version is to be changed: what has another one now is refused with 412. */
  version?: string;
  signal?: AbortSignal;
  /** Answers with these statuses are no problems: health says 503 with its reasons. */
  alsoFine?: number[];
}

const fill = (path: string, values: Record<string, string> = {}) =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ""));

/** The address of a request, for links and downloads. */
export const addressOf = (path: string, query: Query = {}, values?: Record<string, string>) => {
  const text = queryText(query);
  return new URL(fill(path, values).slice(1) + (text && `?${text}`), root()).href;
};

async function send(method: string, path: string, options: Options): Promise<Response> {
  const headers: Record<string, string> = {
    Accept: "application/json",
    "X-Requested-With": "dashboard", // a 401 then opens no window of the browser
  };
  const token = session.get()?.csrf_token;
  if (method !== "GET" && token) headers["X-CSRF-Token"] = token;
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  let body: string | Uint8Array<ArrayBuffer> | undefined;
  if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    const raw = typeof options.body === "string" || options.body instanceof Uint8Array;
    body = raw ? (options.body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(options.body);
  }
  try {
    const answer = await fetch(addressOf(path, options.query, options.path), {
      method,
      headers,
      body: body ?? null,
      signal: options.signal ?? null,
      cache: "no-store",
      credentials: "same-origin",
    });
    silentSince.set(null);
    return answer;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    silentSince.set(silentSince.get() ?? Date.now());
    throw new Problem(0, {
      code: unreachable,
      detail: "The gateway does not answer. This page tries again by itself.",
    });
  }
}

async function problemOf(answer: Response): Promise<Problem> {
  const body = (await answer.json().catch(() => ({}))) as Record<string, never>;
  return new Problem(answer.status, body, Number(answer.headers.get("Retry-After") ?? 0));
}

/** Asks, and asks again after a new sign-in when the session has ended. */
export async function request(
  method: string,
  path: string,
  options: Options = {},
): Promise<Response> {
  for (;;) {
    const answer = await send(method, path, options);
    if (answer.ok || options.alsoFine?.includes(answer.status)) return answer;
    const problem = await problemOf(answer);
    if (problem.status !== 401) throw problem;
    await signedIn(problem.message);
    options.signal?.throwIfAborted();
  }
}

/** Answers with what devices have sent: a whole number beyond 2^53 is a BigInt in them. */
const holdsValues = /^\/api\/(data|series)\b/;

async function json(method: Method, path: string, options: Options): Promise<unknown> {
  const answer = await request(method.toUpperCase(), path, options);
  const type = answer.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/json")) return undefined;
  return holdsValues.test(path) ? parseExact(await answer.text()) : answer.json();
}

type Typed<M extends Method> = <P extends PathsWith<M>>(
  path: P,
  options?: Options<QueryOf<Operation<P, M>>>,
) => Promise<AnswerOf<P, M>>;
const typed = <M extends Method>(method: M) =>
  ((path: string, options: Options = {}) => json(method, path, options)) as Typed<M>;

/** The API, with the types of its OpenAPI document. All of them throw `Problem`. */
export const api = {
  get: typed("get"),
  post: typed("post"),
  put: typed("put"),
  patch: typed("patch"),
  delete: typed("delete"),
};

/** Errors: Problem, 401 where name and password do not fit. */
export async function signIn(name: string, password: string): Promise<void> {
  const answer = await send("POST", "/api/session", { body: { name, password } });
  if (!answer.ok) throw await problemOf(answer);
  welcome((await answer.json()) as Session);
}

export async function signOut(): Promise<void> {
  await request("DELETE", "/api/session");
  location.assign(root());
}

/** Finds out who asks, until somebody answers. */
export async function startSession(): Promise<void> {
  for (let pause = 1000; ; pause = Math.min(pause * 2, 10_000)) {
    try {
      const answer = await request("GET", "/api/session");
      welcome((await answer.json()) as Session);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
