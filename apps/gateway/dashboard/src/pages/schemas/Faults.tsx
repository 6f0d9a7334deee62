// SPDX-License-Identifier: Apache-2.0
import { Text } from "../../ui";
import { remedyOf, ruleOfFault, titleOf, type Fault } from "./remedies";
import "./schemas.css";

/** What is wrong with a payload. @param onShow  shows the place in the payload */
export function Faults({ of, onShow }: { of: readonly Fault[]; onShow?: ((fault: Fault) => void) | undefined }) {
  return (
    <ol className="schemas-faults">
      {of.map((fault, i) => {
        const place = fault.path ? fault.path : "the whole payload";
        const rule = ruleOfFault(fault);
        return (
          <li key={i}>
            <p className="schemas-fault-head">
              {rule && <strong>{titleOf(rule)}</strong>}
              {onShow ? (
                <button type="button" className="schemas-place" title="Show it in the payload" onClick={() => onShow(fault)}>
                  <span className="unseen">Show in the payload: </span>
                  <code><Text of={place} max={300} /></code>
                </button>
              ) : (
                <code><Text of={place} max={300} /></code>
              )}
            </p>
            <p><Text of={fault.message} max={1000} /></p>
            <dl className="schemas-fault-facts">
              <dt>Found</dt>
              <dd>{fault.found ? <code><Text of={fault.found} max={1000} /></code> : <span className="dim">nothing</span>}</dd>
              {fault.allowed && (
                <>
                  <dt>Allowed</dt>
                  <dd><code><Text of={fault.allowed} max={1000} /></code></dd>
                </>
              )}
              {remedyOf(fault) && (
                <>
                  <dt>What to do</dt>
                  <dd>{remedyOf(fault)}</dd>
                </>
              )}
            </dl>
          </li>
        );
      })}
    </ol>
  );
}
