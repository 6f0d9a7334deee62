// SPDX-License-Identifier: Apache-2.0
import type { AnchorHTMLAttributes, MouseEvent } from "react";
import { href, navigate, type Query } from "../app/router";

/** To a page of the dashboard. */
export function Link({ to, query = {}, onClick, ...rest }: AnchorHTMLAttributes<HTMLAnchorElement> & { to: string; query?: Query }) {
  const follow = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(to, query);
  };
  return <a href={href(to, query)} onClick={follow} {...rest} />;
}
