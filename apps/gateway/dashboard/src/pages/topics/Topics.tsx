// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import type { LiveRecord } from "../../api/live";
import { useLive } from "../../app/hooks";
import { Panel, Text } from "../../ui";

export default function Topics() {
  const [records, setRecords] = useState<LiveRecord[]>([]);
  useLive({ topics: ["#"] }, { onRecords: (some) => setRecords((was) => [...some, ...was].slice(0, 50)) });
  return <Panel title="Topics">{records.map((one) => <p key={one.id}><Text of={one.topic} /></p>)}</Panel>;
}
