// SPDX-License-Identifier: Apache-2.0
// One WebSocket for all live streams of the page. When it is lost it is opened again, and each
// stream goes on behind the last message it got: nothing is missing, nothing comes twice.
import { parseExact } from "../app/json";
import { root } from "../app/router";
import { makeStore } from "../app/store";
import { request, silentSince } from "./client";

export interface LiveRecord {
  topic: string;
  payload: unknown;
  timestamp: string;
  received_at: string;
  id: string;
  device: string | null;
  schema: string | null;
  retained: boolean;
}
export interface Selection {
  topics?: string[];
  devices?: string[];
  schemas?: string[];
  where?: string[];
  /** First the newest stored message of each topic. */
  last_values?: boolean;
}
export interface Handlers {
  /** @param areLast  they were stored before: the newest of their topics */
  onRecords(records: LiveRecord[], areLast: boolean): void;
  /** What comes from now on is told: not when it goes on behind a message that it has told. */
  onBegin?(): void;
  /** Messages between are gone for good, or the gateway has another journal: read anew. */
  onGap?(): void;
  /** The gateway refuses the selection, and nothing comes. Empty: it takes it now. */
  onRefused(detail: string): void;
}
export interface LinkState {
  state: "idle" | "connecting" | "live" | "lost";
  /** Milliseconds since 1970, of "lost". */
  since: number;
  /** Why it is "lost"; while it is "live": what the gateway has refused, of no stream. */
  detail: string;
}
export const link = makeStore<LinkState>({ state: "idle", since: 0, detail: "" });

interface Stream {
  id: string;
  selection: Selection;
  handlers: Handlers;
  token: string | null;
  refused: boolean;
}
interface Said {
  type: string;
  id?: string;
  data?: LiveRecord | LiveRecord[];
  token?: string;
  last_value?: boolean;
  tokens?: Record<string, string>;
  code?: string;
  detail?: string;
  hint?: string;
}

const batch_ms = 100;
const ping_ms = 5000; // also moves the places on where nothing comes
const silence_ms = 12_000;
const pause_max_ms = 5000;

const streams = new Map<string, Stream>();
let socket: WebSocket | null = null;
let next = 0;
let failures = 0;
let attempt = 0;
let lastHeard = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let pulse: ReturnType<typeof setInterval> | undefined;

const say = (text: object) => {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(text));
};
function subscribe(stream: Stream) {
  const { id, selection, token } = stream;
  say({
    type: "subscribe",
    id,
    batch_ms,
    ...selection,
    // The values that are there are not sent again: what came since is.
    ...(token === null ? {} : { resume: token, last_values: false }),
  });
}

function heard(text: string) {
  lastHeard = Date.now();
  let said: Said;
  try {
    said = parseExact(text) as Said;
  } catch {
    return;
  }
  if (said.type === "pong") {
    for (const [id, token] of Object.entries(said.tokens ?? {})) {
      const one = streams.get(id);
      if (one) one.token = token;
    }
    return;
  }
  const stream = said.id === undefined ? undefined : streams.get(said.id);
  if (said.type === "error") {
    const why = [said.detail ?? "the gateway refuses it", said.hint].filter(Boolean).join(". ");
    if (stream?.selection.last_values && (said.code === "too_many_topics" || said.code === "last_values_unavailable")) {
      stream.selection = { ...stream.selection, last_values: false };
      subscribe(stream);
    } else if (stream) {
      stream.refused = true;
      stream.handlers.onRefused(why);
    } else if (said.id === undefined) {
      link.set({ ...link.get(), detail: why });
    } // else of a stream that is gone: nobody waits for it
    return;
  }
  if (!stream) return;
  if (said.token !== undefined) stream.token = said.token;
  switch (said.type) {
    case "subscribed":
      if (stream.refused) stream.handlers.onRefused("");
      stream.refused = false;
      if (stream.token === null) stream.handlers.onBegin?.();
      break;
    case "message":
    case "messages": {
      const data = said.data === undefined ? [] : Array.isArray(said.data) ? said.data : [said.data];
      stream.handlers.onRecords(data, said.last_value === true);
      break;
    }
    case "reset":
      stream.token = null;
      stream.handlers.onGap?.();
      break;
    case "gap":
      stream.handlers.onGap?.();
      break;
  }
}

function close() {
  clearTimeout(retry);
  clearInterval(pulse);
  const old = socket;
  socket = null;
  old?.close();
}

function lost(detail: string) {
  close();
  const before = link.get();
  link.set({ state: "lost", since: before.state === "lost" ? before.since : Date.now(), detail });
  failures += 1;
  retry = setTimeout(() => void open(), Math.min(500 * 2 ** (failures - 1), pause_max_ms));
}

async function open() {
  const turn = ++attempt;
  close();
  if (streams.size === 0) {
    link.set({ state: "idle", since: 0, detail: "" });
    return;
  }
  if (link.get().state !== "lost") link.set({ state: "connecting", since: 0, detail: "" });
  try {
    // A browser does not tell why a WebSocket failed: asked first, a session that has ended is
    // seen, and somebody can sign in.
    if (failures > 0) await request("GET", "/api/session");
  } catch {
    if (turn === attempt) lost("the gateway does not answer");
    return;
  }
  if (turn !== attempt) return;
  const address = new URL("ws", root());
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(address);
  socket = mine;
  lastHeard = Date.now();
  pulse = setInterval(() => {
    if (Date.now() - lastHeard > silence_ms) lost("the gateway has gone silent");
    else say({ type: "ping" });
  }, ping_ms);
  mine.onopen = () => {
    if (socket !== mine) return;
    failures = 0;
    silentSince.set(null);
    link.set({ state: "live", since: 0, detail: "" });
    streams.forEach(subscribe);
    say({ type: "ping" }); // its answer has the places to go on from
  };
  mine.onmessage = (event) => {
    if (socket === mine) heard(String(event.data));
  };
  mine.onclose = (event) => {
    if (socket !== mine) return;
    if (event.code === 1013) lost("this page reads too slowly");
    else if (failures === 0) lost("the connection has ended");
    // Asked first, it has answered.
    else lost("the gateway answers, but not at /ws: web.websocket may be off or have no connection left, or a proxy does not let it pass");
  };
}

/** @returns what ends the stream. */
export function openStream(selection: Selection, handlers: Handlers): () => void {
  const stream: Stream = { id: `s${++next}`, selection, handlers, token: null, refused: false };
  streams.set(stream.id, stream);
  if (socket?.readyState === WebSocket.OPEN) {
    subscribe(stream);
    say({ type: "ping" });
  } else if (socket === null && link.get().state !== "lost") void open();
  return () => {
    streams.delete(stream.id);
    if (!stream.refused) say({ type: "unsubscribe", id: stream.id });
    if (streams.size === 0) {
      // Another page opens its own at once: the connection is kept for it.
      setTimeout(() => {
        if (streams.size === 0 && socket !== null) void open();
      }, 2000);
    }
  };
}

/** Tries now instead of at the end of the pause. */
export function retryNow() {
  if (link.get().state !== "lost") return;
  failures = 1;
  void open();
}
window.addEventListener("online", retryNow);
