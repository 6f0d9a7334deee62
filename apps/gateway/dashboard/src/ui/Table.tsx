// SPDX-License-Identifier: Apache-2.0
import type { Key, ReactNode } from "react";
import { Icon } from "./Icon";

export interface Column<T> {
  name: string;
  /** Its header; empty: one that is only read out. */
  title: string;
  unseen?: boolean;
  number?: boolean;
  /** It can be sorted by this column, by who gave `onSort`. */
  sorts?: boolean;
  cell: (row: T) => ReactNode;
}
/** @param caption  what the table shows, read out */
export function Table<T>({ caption, columns, rows, keyOf, sort, onSort }: {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => Key;
  sort?: { by: string; down: boolean };
  onSort?: (by: string) => void;
}) {
  return (
    <table className="table">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map((one) => (
            <th key={one.name} scope="col" className={one.number ? "number" : undefined}
              aria-sort={sort?.by === one.name ? (sort.down ? "descending" : "ascending") : undefined}>
              {one.sorts && onSort ? (
                <button type="button" onClick={() => onSort(one.name)}>
                  {one.title}
                  {sort?.by === one.name && <Icon name={sort.down ? "down" : "up"} size={12} />}
                </button>
              ) : one.unseen ? (
                <span className="unseen">{one.title}</span>
              ) : (
                one.title
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map((one) => (
              <td key={one.name} className={one.number ? "number" : undefined}>{one.cell(row)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
