// SPDX-License-Identifier: Apache-2.0
import { useState } from "react";
import { api, Problem } from "../../api/client";
import { useAsk } from "../../app/hooks";
import { Button, Dialog, Field, Note, ProblemNote, Select, toast } from "../../ui";
import { isMissing, pinTo } from "./store";

const fresh = "";

/** Puts a query of the Explorer on a board. */
export function PinDialog({ query, title, onClose }: { query: string; title: string; onClose: () => void }) {
  const boards = useAsk("boards", (signal) => api.get("/api/boards", { signal }));
  const names = boards.data?.data.map((one) => one.name) ?? [];
  const [board, setBoard] = useState<string | null>(null);
  const [name, setName] = useState("");
  const [text, setText] = useState(title);
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);
  const chosen = board ?? names[0] ?? fresh;
  const to = chosen === fresh ? name.trim() : chosen;
  const pin = async () => {
    if (to === "" || text.trim() === "" || isBusy) return;
    setBusy(true);
    try {
      await pinTo(to, { title: text.trim(), query });
      toast(`Pinned to the board ${to}`);
      onClose();
    } catch (error) {
      setProblem(error instanceof Problem ? error : new Problem(0, { detail: String(error) }));
    }
    setBusy(false);
  };
  const wrongName = problem?.parts.find((one) => one.parameter === "name");
  if (isMissing(boards.problem))
    return (
      <Dialog title="Pin to a board" onClose={onClose}>
        <Note><p>This gateway keeps no boards: it is older than this page. Copy the address instead: it says everything.</p></Note>
      </Dialog>
    );
  return (
    <Dialog title="Pin to a board" onClose={onClose} onSubmit={() => void pin()}
      foot={<>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" type="submit" disabled={to === "" || text.trim() === "" || isBusy || !boards.data}>Pin</Button>
      </>}>
      {boards.problem && <ProblemNote of={boards.problem} onRetry={boards.reload} />}
      {problem && !wrongName && <ProblemNote of={problem} />}
      {names.length > 0 && (
        <Select label="Board" value={chosen} onChange={(event) => setBoard(event.target.value)}
          options={[...names.map((one) => ({ value: one, text: one })), { value: fresh, text: "A new one" }]} />
      )}
      {boards.data && chosen === fresh && (
        <Field label="Name of the new board" value={name} onChange={(event) => setName(event.target.value)} maxLength={64} autoFocus
          wrong={wrongName && [wrongName.detail, wrongName.hint].filter(Boolean).join(". ")} />
      )}
      <Field label="Title of the chart" value={text} onChange={(event) => setText(event.target.value)} maxLength={200} data-first />
    </Dialog>
  );
}
