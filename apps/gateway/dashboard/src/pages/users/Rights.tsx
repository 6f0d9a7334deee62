// SPDX-License-Identifier: Apache-2.0
// What somebody may do and see: fields that users and keys share.
import { useState } from "react";
import type { Session } from "../../api/session";
import { Button, Choices, CopyButton, Field, Select, TextArea, Text } from "../../ui";
import "./users.css";

export type Role = Session["role"];
export interface Rights {
  role: Role;
  isForAll: boolean;
  /** A topic filter a line. */
  filters: string;
}
export const rightsOf = (of?: { role: Role; scope: string[] | null }): Rights => ({
  role: of?.role ?? "viewer",
  isForAll: (of?.scope ?? null) === null,
  filters: of?.scope?.join("\n") ?? "",
});
/** As the gateway takes it. */
export const scopeOf = (rights: Rights): string[] | null =>
  rights.isForAll ? null : rights.filters.split("\n").map((one) => one.trim()).filter((one) => one !== "");

const roles: readonly { value: Role; text: string }[] = [
  { value: "viewer", text: "viewer: reads" },
  { value: "operator", text: "operator: also writes, replays, drafts schemas" },
  { value: "admin", text: "admin: also deletes; users, keys, settings" },
];

export function RightsFields({ of, onChange, wrong }: {
  of: Rights;
  onChange: (rights: Rights) => void;
  wrong: (field: string) => string | undefined;
}) {
  return (
    <>
      <Select label="Role" options={roles} value={of.role} wrong={wrong("role")}
        onChange={(event) => onChange({ ...of, role: event.target.value as Role })} />
      <div className="users-scope">
        <span className="field-label" aria-hidden="true">Sees</span>
        <Choices label="Sees" value={of.isForAll ? "all" : "some"} onChange={(value) => onChange({ ...of, isForAll: value === "all" })}
          options={[{ value: "all", text: "All topics" }, { value: "some", text: "Only some" }]} />
        {!of.isForAll && (
          <TextArea label="Topic filters, one a line" rows={3} autoFocus value={of.filters} placeholder="sensors/#" wrong={wrong("scope")}
            onChange={(event) => onChange({ ...of, filters: event.target.value })}
            hint="+ stands for one level, # for all that follow." />
        )}
      </div>
    </>
  );
}

const letters = "abcdefghjkmnpqrstuvwxyz23456789";
/** 24 letters, of which no two look the same: some 118 bits. */
function madePassword(): string {
  let out = "";
  while (out.length < 24) {
    const [byte] = crypto.getRandomValues(new Uint8Array(1));
    if (byte! < letters.length * 8) out += letters[byte! % letters.length];
  }
  return out.replace(/(.{6})(?=.)/g, "$1-");
}

export function NewPassword({ label, hint, value, onChange, wrong }: {
  label: string;
  hint: string;
  value: string;
  onChange: (value: string) => void;
  wrong: string | undefined;
}) {
  const [isMade, setMade] = useState(false);
  return (
    <div className="users-password">
      <Field label={label} hint={hint} wrong={wrong} type={isMade ? "text" : "password"} autoComplete="new-password" value={value}
        onChange={(event) => {
          onChange(event.target.value);
          setMade(false);
        }} />
      <div className="row">
        <Button onClick={() => {
          onChange(madePassword());
          setMade(true);
        }}>Make one</Button>
        {isMade && <CopyButton text={value} label="Copy password" />}
        {isMade && <span className="dim">Nothing shows it again.</span>}
      </div>
    </div>
  );
}

export const Scope = ({ of }: { of: string[] | null }) =>
  of === null ? <>all topics</> : <>{of.map((filter) => <code key={filter} className="users-filter"><Text of={filter} max={200} /></code>)}</>;
