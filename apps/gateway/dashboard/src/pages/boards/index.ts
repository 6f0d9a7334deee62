// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const boards: Page = {
  path: "boards",
  title: "Boards",
  icon: "boards",
  group: "Watch",
  load: () => import("./Boards"),
};
