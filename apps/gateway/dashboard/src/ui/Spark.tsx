// SPDX-License-Identifier: Apache-2.0
/** A line without axes. @param values  oldest first; the lowest that is drawn is 0 */
export function Spark({ values, room, bad = false }: { values: readonly number[]; room: number; bad?: boolean }) {
  const most = Math.max(1e-9, ...values);
  const height = 30;
  const at = (v: number, i: number) =>
    `${(room - values.length + i).toString()} ${(height - 1 - (v / most) * (height - 3)).toFixed(2)}`;
  const line = values.map(at).join("L");
  return (
    <svg className={bad ? "spark spark-bad" : "spark"} viewBox={`0 0 ${room - 1} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {values.length > 1 && (
        <>
          <path className="spark-area" d={`M${line}V${height}H${room - values.length}Z`} />
          <path d={`M${line}`} />
        </>
      )}
    </svg>
  );
}
