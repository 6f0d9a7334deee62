// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const schemas: Page = {
  path: "schemas",
  title: "Schemas",
  icon: "schemas",
  group: "Manage",
  load: () => import("./Schemas"),
};
