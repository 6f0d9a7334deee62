// SPDX-License-Identifier: Apache-2.0
import { mayDo, seesAll } from "../../api/session";
import type { Page } from "../page";

export const users: Page = {
  path: "users",
  title: "Users and keys",
  icon: "users",
  group: "Manage",
  isFor: (who) => mayDo(who, "admin") && seesAll(who),
  load: () => import("./Users"),
};
