// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const explorer: Page = {
  path: "explorer",
  title: "Explorer",
  icon: "explorer",
  group: "Data",
  load: () => import("./Explorer"),
};
