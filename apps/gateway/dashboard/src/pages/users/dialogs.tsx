// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { api, type AnswerOf } from "../../api/client";
import { session } from "../../api/session";
import { useSubmit } from "../../app/form";
import { useStore } from "../../app/store";
import { Button, CopyButton, Dialog, Field, Note, plainText, ProblemNote, Select, toast, Text } from "../../ui";
import { NewPassword, rightsOf, RightsFields, scopeOf } from "./Rights";
import "./users.css";

export type User = AnswerOf<"/api/users">["data"][number];
export type Key = AnswerOf<"/api/keys">["data"][number];
interface Ends {
  onClose: () => void;
  onDone: () => void;
}

const fields = ["name", "password", "role", "scope", "expires"];
const Foot = ({ busy, action, onClose }: { busy: boolean; action: string; onClose: () => void }) => (
  <>
    <Button onClick={onClose}>Cancel</Button>
    <Button kind="main" type="submit" disabled={busy}>{busy ? "One moment…" : action}</Button>
  </>
);

export function AddUser({ onClose, onDone }: Ends) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [rights, setRights] = useState(rightsOf());
  const { busy, wrong, rest, submit } = useSubmit(fields);
  const send = () => submit(async () => {
    await api.post("/api/users", { body: { name, password, role: rights.role, scope: scopeOf(rights) } });
    toast(`${plainText(name)} can sign in now.`);
    onDone();
  });
  return (
    <Dialog title="Add a user" onClose={onClose} onSubmit={() => void send()} foot={<Foot busy={busy} action="Add" onClose={onClose} />}>
      {rest && <ProblemNote of={rest} />}
      <Field label="Name" value={name} wrong={wrong("name")} data-first onChange={(event) => setName(event.target.value)} />
      <NewPassword label="Password" hint="12 characters at least." value={password} onChange={setPassword} wrong={wrong("password")} />
      <RightsFields of={rights} onChange={setRights} wrong={wrong} />
    </Dialog>
  );
}

export function ChangeUser({ user, onClose, onDone }: Ends & { user: User }) {
  const who = useStore(session);
  const [password, setPassword] = useState("");
  const [rights, setRights] = useState(rightsOf(user));
  const { busy, wrong, rest, submit } = useSubmit(["password", "role", "scope"]);
  const scope = scopeOf(rights);
  const isOther = JSON.stringify(scope) !== JSON.stringify(user.scope);
  const body = {
    ...(password !== "" && { password }),
    ...(rights.role !== user.role && { role: rights.role }),
    ...(isOther && { scope }),
  };
  const send = () => submit(async () => {
    if (Object.keys(body).length > 0) {
      await api.patch("/api/users/{name}", { path: { name: user.name }, body });
      toast(`${plainText(user.name)} is changed and signs in anew.`);
    }
    onDone();
  });
  return (
    <Dialog title={`Change ${plainText(user.name)}`} onClose={onClose} onSubmit={() => void send()} foot={<Foot busy={busy} action="Save" onClose={onClose} />}>
      {rest && <ProblemNote of={rest} />}
      {who?.name === user.name && <Note>This is you: after a change you sign in again.</Note>}
      <RightsFields of={rights} onChange={setRights} wrong={wrong} />
      <NewPassword label="New password" hint="Leave it empty to keep the old one." value={password} onChange={setPassword} wrong={wrong("password")} />
    </Dialog>
  );
}

/** Asks, deletes, and says why not where it cannot. */
export function Delete({ title, what, onDelete, onClose, onDone }: Ends & {
  title: string;
  what: string;
  onDelete: () => Promise<unknown>;
}) {
  const { busy, rest, submit } = useSubmit([]);
  const send = () => submit(async () => {
    await onDelete();
    onDone();
  });
  return (
    <Dialog title={title} onClose={onClose} onSubmit={() => void send()}
      foot={<>
        <Button onClick={onClose} data-first>Cancel</Button>
        <Button kind="danger" type="submit" disabled={busy}>Delete</Button>
      </>}>
      {rest && <ProblemNote of={rest} />}
      <p>{what}</p>
    </Dialog>
  );
}

const expiries = [
  { value: "30d", text: "in 30 days" },
  { value: "90d", text: "in 90 days" },
  { value: "365d", text: "in a year" },
  { value: "", text: "never" },
  { value: "other", text: "at another time" },
];

export function AddKey({ onClose, onDone, onMade }: Ends & { onMade: (name: string, key: string) => void }) {
  const [name, setName] = useState("");
  const [rights, setRights] = useState(rightsOf());
  const [choice, setChoice] = useState("90d");
  const [other, setOther] = useState("");
  const { busy, wrong, rest, submit } = useSubmit(fields);
  const expires = choice === "other" ? other : choice;
  const send = () => submit(async () => {
    const made = await api.post("/api/keys", {
      body: { name, role: rights.role, scope: scopeOf(rights), expires: choice === "" ? null : expires },
    });
    onDone();
    onMade(made.name, made.key);
  });
  return (
    <Dialog title="Make an API key" onClose={onClose} onSubmit={() => void send()} foot={<Foot busy={busy} action="Make" onClose={onClose} />}>
      {rest && <ProblemNote of={rest} />}
      <Field label="Name" value={name} wrong={wrong("name")} data-first hint="Of the program that uses it: grafana."
        onChange={(event) => setName(event.target.value)} />
      <RightsFields of={rights} onChange={setRights} wrong={wrong} />
      <Select label="Expires" options={expiries} value={choice} wrong={choice === "other" ? undefined : wrong("expires")} onChange={(event) => setChoice(event.target.value)} />
      {choice === "other" && (
        <Field label="When" placeholder="180d, or 2027-01-31T00:00:00Z" value={other} wrong={wrong("expires")} hint="A duration from now, or a time."
          onChange={(event) => setOther(event.target.value)} />
      )}
    </Dialog>
  );
}

/** The text of a new key, which nothing shows again. It is not closed by accident. */
export function MadeKey({ name, text, onClose }: { name: string; text: string; onClose: () => void }) {
  return (
    <Dialog title={`The key of ${plainText(name)}`} onClose={null} onSubmit={onClose}
      foot={<Button kind="main" type="submit">I have kept it</Button>}>
      <p>Copy it now to the program that uses it. Nothing shows it again.</p>
      <code className="users-key" tabIndex={0} aria-label="The key"><Text of={text} /></code>
      <div className="row"><CopyButton text={text} label="Copy key" /></div>
      <p className="dim">It goes into the header <code>Authorization: Bearer</code> or <code>X-API-Key</code>.</p>
    </Dialog>
  );
}
