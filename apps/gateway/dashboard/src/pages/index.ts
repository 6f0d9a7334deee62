// SPDX-License-Identifier: Apache-2.0
import { boards } from "./boards";
import { devices } from "./devices";
import { explorer } from "./explorer";
import { letters } from "./letters";
import { overview } from "./overview";
import type { Page } from "./page";
import { schemas } from "./schemas";
import { settings } from "./settings";
import { topics } from "./topics";
import { users } from "./users";

/** All pages, in the order of the menu. */
export const pages: readonly Page[] = [
  overview,
  topics,
  devices,
  boards,
  explorer,
  letters,
  schemas,
  users,
  settings,
];
