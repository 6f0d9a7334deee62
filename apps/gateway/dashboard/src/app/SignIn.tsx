// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { Problem, signIn } from "../api/client";
import { session, signInReason } from "../api/session";
import { Button, Dialog, Field, ProblemNote } from "../ui";
import { useStore } from "./store";

/** Lies over the page while somebody must sign in. What the page holds stays. */
export function SignIn() {
  const reason = useStore(signInReason);
  return reason === null ? null : <SignInDialog />;
}

function SignInDialog() {
  const before = useStore(session);
  const [name, setName] = useState(before?.name ?? "");
  const [password, setPassword] = useState("");
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (busy) return;
    setBusy(true);
    try {
      await signIn(name, password);
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, { detail: String(error) }));
      setPassword("");
      setBusy(false);
      requestAnimationFrame(() => document.querySelector<HTMLElement>("dialog [type=password]")?.focus());
    }
  };
  return (
    <Dialog title={before ? "Your session has ended" : "Sign in"} onClose={null} onSubmit={() => void submit()}
      foot={<Button kind="main" type="submit" disabled={busy || name === "" || password === ""}>{busy ? "Signing in…" : "Sign in"}</Button>}>
      <p className="dim">
        {before
          ? "Sign in again. This page and what you have entered stay as they are."
          : "With the name and password that an administrator gave you."}
      </p>
      {problem && <ProblemNote of={problem} />}
      <Field label="Name" name="username" autoComplete="username" value={name}
        onChange={(event) => setName(event.target.value)} />
      <Field label="Password" name="password" type="password" autoComplete="current-password" data-first={before ? "" : undefined}
        value={password} onChange={(event) => setPassword(event.target.value)} />
    </Dialog>
  );
}
