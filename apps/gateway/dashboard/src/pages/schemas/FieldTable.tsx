// SPDX-License-Identifier: Apache-2.0
import { Pill, Table, Text, type Column } from "../../ui";
import { fieldsOf, type FieldRow, type Schema } from "./document";
import type { Fault } from "./remedies";
import "./schemas.css";

/** "/tags/0" and "tags[]" are the same. */
const isAt = (pointer: string, path: string) =>
  pointer
    .split("/")
    .slice(1)
    .join(".")
    .replace(/\.\d+/g, "[]") === path;

/** The fields of a schema. @param faults  marks those that are wrong */
export function FieldTable({ schema, faults = [] }: { schema: Schema; faults?: readonly Fault[] }) {
  const rows = fieldsOf(schema);
  const columns: Column<FieldRow>[] = [
    {
      name: "field",
      title: "Field",
      cell: (row) => (
        <span className="schemas-field" style={{ paddingInlineStart: `${row.depth}rem` }}>
          <code><Text of={row.name} /></code>
          {row.required && <Pill>required</Pill>}
          {faults.some((fault) => isAt(fault.path ?? "", row.path)) && <Pill kind="bad">wrong here</Pill>}
        </span>
      ),
    },
    { name: "type", title: "Type", cell: (row) => <span className="schemas-type"><Text of={row.type} /></span> },
    { name: "unit", title: "Unit", cell: (row) => row.unit !== null && <Text of={row.unit} /> },
    {
      name: "rules",
      title: "Allowed",
      cell: (row) => row.rules.map((rule, i) => (
        <span key={i}>{i > 0 && "; "}<Text of={rule} max={400} /></span>
      )),
    },
  ];
  if (rows.some((row) => row.description !== null))
    columns.push({ name: "what", title: "Description", cell: (row) => row.description !== null && <Text of={row.description} /> });
  return <Table caption="Fields" columns={columns} rows={rows} keyOf={(row) => row.path} />;
}
