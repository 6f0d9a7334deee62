// SPDX-License-Identifier: Apache-2.0
import { api } from "../../api/client";
import { useAsk } from "../../app/hooks";
import { Loading, Panel, ProblemNote } from "../../ui";

export default function Overview() {
  const health = useAsk("health", (signal) => api.get("/api/health", { signal, alsoFine: [503] }), 2000);
  if (health.problem) return <ProblemNote of={health.problem} onRetry={health.reload} />;
  if (!health.data) return <Loading />;
  return <Panel title="Health">{health.data.status}</Panel>;
}
