// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const overview: Page = {
  path: "overview",
  title: "Overview",
  icon: "overview",
  group: "Watch",
  load: () => import("./Overview"),
};
