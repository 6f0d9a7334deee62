// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, type ReactNode } from "react";
import type { Query } from "../app/router";
import { Icon } from "./Icon";
import { Link } from "./Link";

/** The head of one thing out of a list. Who opens it is at its title; who leaves it, at the page. */
export function DetailHead({ title, note, back, children }: {
  title: ReactNode;
  note?: ReactNode;
  back: { to: string; query?: Query; text: string };
  /** What can be done with it. */
  children?: ReactNode;
}) {
  const ref = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
    return () => document.getElementById("main")?.focus({ preventScroll: true });
  }, []);
  return (
    <div className="detail-head">
      <Link className="detail-back" to={back.to} query={back.query ?? {}}>
        <Icon name="left" />
        {back.text}
      </Link>
      <div className="grow">
        <h2 ref={ref} tabIndex={-1}>{title}</h2>
        {note && <p className="dim">{note}</p>}
      </div>
      {children && <div className="row">{children}</div>}
    </div>
  );
}
