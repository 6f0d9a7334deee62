// SPDX-License-Identifier: Apache-2.0
import { useState, type ReactNode } from "react";
import { api, Problem } from "../../api/client";
import { session } from "../../api/session";
import { useAsk, useNow } from "../../app/hooks";
import { clock, span } from "../../app/format";
import { useQueryState } from "../../app/router";
import { useStore } from "../../app/store";
import { Button, Empty, IconButton, Loading, Panel, Pill, plainText, ProblemNote, Table, Tabs, Text, toast, type Column } from "../../ui";
import { AddKey, AddUser, ChangeUser, Delete, MadeKey, type Key, type User } from "./dialogs";
import { Scope } from "./Rights";
import "./users.css";

const tabs = [
  { value: "users", text: "Users" },
  { value: "keys", text: "API keys" },
] as const;

export default function Users() {
  const [{ tab }, set] = useQueryState({ tab: "users" });
  const open = tab === "keys" ? "keys" : "users";
  return (
    <Tabs label="Users or keys" tabs={tabs} open={open} onOpen={(value) => set({ tab: value })}>
      {open === "users" ? <UserList /> : <KeyList />}
    </Tabs>
  );
}

/** Where the gateway asks nobody who they are, there are no users. */
function Trouble({ of, onRetry }: { of: Problem; onRetry: () => void }) {
  if (of.status !== 404) return <ProblemNote of={of} onRetry={onRetry} />;
  return (
    <Empty title="Nobody signs in here">
      <p>Only programs on the gateway's own machine are answered. For users and keys, make an administrator first, then turn sign-in on and start the gateway anew:</p>
      <code>telemetry user add anna -c edge.yaml --role admin</code>
      <code>{"security: {authentication: {enabled: true}}"}</code>
    </Empty>
  );
}

const date = (time: string) => <span title={time}>{clock(Date.parse(time), 0).slice(0, 10)}</span>;
type Open<T> = { kind: "add" } | { kind: "change" | "delete"; of: T } | null;

function UserList() {
  const who = useStore(session);
  const asked = useAsk("users", (signal) => api.get("/api/users", { signal }));
  const [open, setOpen] = useState<Open<User>>(null);
  const close = () => setOpen(null);
  const done = () => {
    close();
    asked.reload();
  };
  const columns: Column<User>[] = [
    { name: "name", title: "Name", cell: (user) => <><Text of={user.name} /> {user.name === who?.name && <Pill>you</Pill>}</> },
    { name: "role", title: "Role", cell: (user) => user.role },
    { name: "scope", title: "Sees", cell: (user) => <Scope of={user.scope} /> },
    { name: "created", title: "Since", cell: (user) => date(user.created) },
    {
      name: "do",
      title: "Change or delete",
      unseen: true,
      number: true,
      cell: (user) => (
        <>
          <IconButton icon="edit" label={`Change ${plainText(user.name)}`} onClick={() => setOpen({ kind: "change", of: user })} />
          <IconButton icon="trash" label={`Delete ${plainText(user.name)}`} onClick={() => setOpen({ kind: "delete", of: user })} />
        </>
      ),
    },
  ];
  const name = open !== null && open.kind !== "add" ? plainText(open.of.name) : "";
  return (
    <Listed asked={asked} title="Users" add={<Button icon="plus" kind="main" onClick={() => setOpen({ kind: "add" })}>Add a user</Button>}>
      {asked.data && <Table caption="Users" columns={columns} rows={asked.data.data} keyOf={(user) => user.name} />}
      {open?.kind === "add" && <AddUser onClose={close} onDone={done} />}
      {open?.kind === "change" && <ChangeUser user={open.of} onClose={close} onDone={done} />}
      {open?.kind === "delete" && (
        <Delete title={`Delete ${name}?`} onClose={close}
          what={`${name} cannot sign in any more, and is signed out everywhere.${open.of.name === who?.name ? " This is you." : ""} Messages stay.`}
          onDelete={() => api.delete("/api/users/{name}", { path: { name: open.of.name } })}
          onDone={() => {
            toast(`${name} is deleted.`);
            done();
          }} />
      )}
    </Listed>
  );
}

const soon_ms = 14 * 86_400_000;
function Expiry({ of, now }: { of: string | null; now: number }) {
  if (of === null) return <span className="dim">never</span>;
  const left = Date.parse(of) - now;
  return (
    <span title={of}>
      {left <= 0 ? <Pill kind="bad">expired</Pill> : left < soon_ms ? <Pill kind="warn">in {span(left)}</Pill> : `in ${span(left)}`}
    </span>
  );
}

function KeyList() {
  const asked = useAsk("keys", (signal) => api.get("/api/keys", { signal }));
  const [open, setOpen] = useState<Open<Key>>(null);
  const [made, setMade] = useState<{ name: string; text: string } | null>(null);
  const now = useNow(60_000);
  const close = () => setOpen(null);
  const done = () => {
    close();
    asked.reload();
  };
  const columns: Column<Key>[] = [
    { name: "name", title: "Name", cell: (key) => <Text of={key.name} /> },
    { name: "id", title: "Begins with", cell: (key) => <code>tk_<Text of={key.id} /></code> },
    { name: "role", title: "Role", cell: (key) => key.role },
    { name: "scope", title: "Sees", cell: (key) => <Scope of={key.scope} /> },
    { name: "created", title: "Since", cell: (key) => date(key.created) },
    { name: "expires", title: "Expires", cell: (key) => <Expiry of={key.expires} now={now} /> },
    {
      name: "do",
      title: "Delete",
      unseen: true,
      number: true,
      cell: (key) => <IconButton icon="trash" label={`Delete ${plainText(key.name)}`} onClick={() => setOpen({ kind: "delete", of: key })} />,
    },
  ];
  const name = open?.kind === "delete" ? plainText(open.of.name) : "";
  return (
    <Listed asked={asked} title="API keys" add={<Button icon="plus" kind="main" onClick={() => setOpen({ kind: "add" })}>Make a key</Button>}>
      {asked.data && asked.data.data.length === 0 && (
        <Empty title="No API keys yet">
          <p>A key lets a program ask without a password: Grafana, a script, another gateway. Make one for each program, so that one can be taken back alone.</p>
        </Empty>
      )}
      {asked.data && asked.data.data.length > 0 && <Table caption="API keys" columns={columns} rows={asked.data.data} keyOf={(key) => key.id} />}
      {open?.kind === "add" && <AddKey onClose={close} onDone={done} onMade={(keyName, text) => setMade({ name: keyName, text })} />}
      {made && <MadeKey name={made.name} text={made.text} onClose={() => setMade(null)} />}
      {open?.kind === "delete" && (
        <Delete title={`Delete the key ${name}?`} onClose={close} what={`Programs that use ${name} are refused from now on.`}
          onDelete={() => api.delete("/api/keys/{name}", { path: { name: open.of.name } })}
          onDone={() => {
            toast(`The key ${name} is deleted.`);
            done();
          }} />
      )}
    </Listed>
  );
}

function Listed({ asked, title, add, children }: {
  asked: { data: unknown; problem: Problem | undefined; loading: boolean; reload: () => void };
  title: string;
  add: ReactNode;
  children: ReactNode;
}) {
  if (asked.problem && asked.data === undefined) return <Trouble of={asked.problem} onRetry={asked.reload} />;
  if (asked.data === undefined) return <Loading />;
  return (
    <>
      {asked.problem && <ProblemNote of={asked.problem} onRetry={asked.reload} />}
      <Panel title={title} tools={add} flush>{children}</Panel>
    </>
  );
}
