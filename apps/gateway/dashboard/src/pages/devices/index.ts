// SPDX-License-Identifier: Apache-2.0
import type { Page } from "../page";

export const devices: Page = {
  path: "devices",
  title: "Devices",
  icon: "devices",
  group: "Watch",
  load: () => import("./Devices"),
};
