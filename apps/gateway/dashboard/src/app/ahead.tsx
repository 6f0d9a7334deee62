// SPDX-License-Identifier: Apache-2.0
// Times that lie ahead: of a device whose clock is wrong, or of all of them where this browser's clock is.
import { api } from "../api/client";
import { Button, Note } from "../ui";
import { clock, msOf, span } from "./format";
import { useAsk } from "./hooks";

const ahead_ms = 5000; // clocks differ by a little
const every_ms = 30_000;

/** The newest time of these messages, where it lies ahead of now; null: nothing is asked. */
export function useAhead(of: { topic?: string[]; device?: string[]; where?: string[] } | null): number | undefined {
  const asked = useAsk(
    of === null ? null : `ahead ${JSON.stringify(of)}`,
    (signal) => api.get("/api/data", { query: { ...of, start: new Date(Date.now() + ahead_ms).toISOString(), limit: 1 }, signal }),
    every_ms,
  );
  const newest = asked.data?.data[0];
  return newest !== undefined && "timestamp" in newest ? msOf(String(newest.timestamp)) : undefined;
}

/** Says that newer values are there than what is shown. @param onShow  shows them */
export function AheadNote({ at, onShow }: { at: number | undefined; onShow: () => void }) {
  const now = Date.now();
  if (at === undefined || at < now) return null;
  return (
    <Note kind="warn">
      <p>
        What is shown ends now, and there are values with a time up to {clock(at)}, {span(at - now)} ahead of this browser's clock. A
        device's clock is wrong, or this one.
      </p>
      <Button onClick={onShow}>Show up to {clock(at)}</Button>
    </Note>
  );
}
