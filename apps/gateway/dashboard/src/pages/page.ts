// SPDX-License-Identifier: Apache-2.0
import type { ComponentType } from "react";
import type { Session } from "../api/session";
import type { IconName } from "../ui";

/** A page of the dashboard. Its folder in src/pages has the name of its path. */
export interface Page {
  /** "topics": its address below the root of the gateway. "overview" is the root itself. */
  path: string;
  title: string;
  icon: IconName;
  group: "Watch" | "Data" | "Manage";
  /** Whose menu it is in; left out: everybody's. */
  isFor?: (who: Session | null) => boolean;
  load: () => Promise<{ default: ComponentType }>;
}
