// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from "react";
import { Problem } from "../api/client";
import { Button } from "./Button";
import { Icon } from "./Icon";
import { Text } from "./Text";

/** A part of a page. @param flush  its content goes to the edges: tables, lists */
export function Panel({ title, tools, flush = false, children }: {
  title?: ReactNode;
  tools?: ReactNode;
  flush?: boolean;
  children: ReactNode;
}) {
  return (
    <section className="panel">
      {(title || tools) && (
        <div className="panel-head">
          <h2>{title}</h2>
          {tools}
        </div>
      )}
      <div className={flush ? "panel-flush" : "panel-body"} tabIndex={flush ? 0 : undefined}
        role={flush ? "group" : undefined} aria-label={flush && typeof title === "string" ? title : undefined}>
        {children}
      </div>
    </section>
  );
}

/** Nothing is there. @param children  what to do next */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Note({ kind = "plain", children }: { kind?: "plain" | "warn" | "bad"; children: ReactNode }) {
  return (
    <div className={`note note-${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {kind !== "plain" && <Icon name="warning" />}
      {children}
    </div>
  );
}

/** That the gateway sends nothing live of what is seen here; nothing when `why` is empty. */
export function RefusedNote({ why }: { why: string }) {
  return why === "" ? null : <Note kind="warn"><p>Nothing comes live: <Text of={why} /></p></Note>;
}

const remedies: Record<string, string> = {
  permission_denied: "Ask an administrator for the role, or sign in as somebody who may.",
  deadline_exceeded: "Choose a shorter time or fewer topics.",
  too_many_requests: "Wait a moment.",
};
/** What went wrong, and what to do. @param onRetry  asks again */
export function ProblemNote({ of, onRetry }: { of: Error; onRetry?: (() => void) | undefined }) {
  const problem = of instanceof Problem ? of : undefined;
  const remedy = problem && remedies[problem.code];
  return (
    <Note kind="bad">
      <p>
        <Text of={of.message} />
        {problem?.parts.map((part, i) => (
          <span key={i}>
            {part.hint ? <> <Text of={part.hint} /></> : null}
          </span>
        ))}
        {remedy && <> {remedy}</>}
        {problem?.requestId && <span className="dim"> Request {problem.requestId} in the log.</span>}
      </p>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </Note>
  );
}

export const Loading = ({ what = "Loading" }: { what?: string }) => (
  <p className="loading" role="status">{what}…</p>
);

export function Pill({ kind = "plain", children }: { kind?: "plain" | "ok" | "warn" | "bad"; children: ReactNode }) {
  return <span className={`pill pill-${kind}`}>{children}</span>;
}
