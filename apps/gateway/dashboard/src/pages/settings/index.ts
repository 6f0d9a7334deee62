// SPDX-License-Identifier: Apache-2.0
import { mayDo, seesAll } from "../../api/session";
import type { Page } from "../page";

export const settings: Page = {
  path: "settings",
  title: "Settings",
  icon: "settings",
  group: "Manage",
  isFor: (who) => mayDo(who, "admin") && seesAll(who),
  load: () => import("./Settings"),
};
