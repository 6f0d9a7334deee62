// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const letters: Page = {
  path: "letters",
  title: "Dead letters",
  icon: "letters",
  group: "Data",
  load: () => import("./Letters"),
};
