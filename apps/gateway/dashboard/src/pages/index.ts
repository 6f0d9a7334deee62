// SPDX-License-Identifier: Apache-2.0
import { devices } from "./devices";
import { letters } from "./letters";
import { overview } from "./overview";
import type { Page } from "./page";
import { schemas } from "./schemas";
import { topics } from "./topics";

/** All pages, in the order of the menu. */
export const pages: readonly Page[] = [overview, topics, devices, letters, schemas];
