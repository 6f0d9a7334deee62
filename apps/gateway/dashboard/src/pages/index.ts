// SPDX-License-Identifier: Apache-2.0
import { boards } from "./boards";
import { explorer } from "./explorer";
import { overview } from "./overview";
import type { Page } from "./page";
import { topics } from "./topics";

/** All pages, in the order of the menu. */
export const pages: readonly Page[] = [
  overview,
  topics,
  boards,
  explorer,
];
