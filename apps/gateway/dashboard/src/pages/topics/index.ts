// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const topics: Page = {
  path: "topics",
  title: "Topics",
  icon: "topics",
  group: "Watch",
  load: () => import("./Topics"),
};
