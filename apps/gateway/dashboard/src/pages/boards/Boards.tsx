// SPDX-License-Identifier: Apache-2.0
import { useEffect, useState, type ReactNode } from "react";
import { api, Problem } from "../../api/client";
import { mayDo, session } from "../../api/session";
import { AheadNote } from "../../app/ahead";
import { clock } from "../../app/format";
import { useAsk, useColumns, useSize } from "../../app/hooks";
import { navigate, readQuery, useQueryState } from "../../app/router";
import { useStore } from "../../app/store";
import { Button, Confirm, Dialog, Empty, Field, IconButton, Link, Loading, Note, Panel, plainText, ProblemNote, RefusedNote, Table, Text, toast } from "../../ui";
import { Plots } from "../explorer/Plots";
import { chosenOf, queryOf, zoomed } from "../explorer/query";
import { useFeed } from "../explorer/useFeed";
import "../explorer/explorer.css";
import "./boards.css";
import { isMissing, isOvertaken, saveBoard, type Board, type Pinned } from "./store";

const anew_ms = 60_000;
const chart_min_px = 170, chart_part = 0.2; // of the window

export default function Boards() {
  const [state] = useQueryState({ name: "" });
  const asked = useAsk("boards", (signal) => api.get("/api/boards", { signal }));
  const board = asked.data?.data.find((one) => one.name === state.name);
  if (isMissing(asked.problem))
    return (
      <Empty title="This gateway keeps no boards">
        <p>It is older than this page. Update it; until then the address of the Explorer says everything, and can be kept as a bookmark.</p>
        <Link className="button" to="explorer">Go to the Explorer</Link>
      </Empty>
    );
  if (asked.problem && !asked.data) return <ProblemNote of={asked.problem} onRetry={asked.reload} />;
  if (!asked.data) return <Loading what="Asking for the boards" />;
  if (state.name === "") return <List boards={asked.data.data} />;
  return board === undefined ? (
    <Empty title="There is no such board">
      <p>Somebody may have deleted it, or the address was cut off.</p>
      <Link className="button" to="boards">Show all boards</Link>
    </Empty>
  ) : (
    <Open key={board.name} board={board} onChanged={asked.reload} />
  );
}

function List({ boards }: { boards: readonly Board[] }) {
  if (boards.length === 0)
    return (
      <Empty title="No boards yet">
        <p>A board is a page of charts that everybody sees. Make a chart in the Explorer, then press “Pin to a board”.</p>
        <Link className="button button-main" to="explorer">Go to the Explorer</Link>
      </Empty>
    );
  return (
    <Panel title="Boards" flush>
      <Table caption="Boards" rows={boards} keyOf={(one) => one.name} columns={[
        { name: "name", title: "Name", cell: (one) => <Link to="boards" query={{ name: one.name }}><Text of={one.name} max={200} /></Link> },
        { name: "charts", title: "Charts", number: true, cell: (one) => one.document.charts.length },
        { name: "updated", title: "Changed", cell: (one) => <span className="numbers">{clock(Date.parse(one.updated))}</span> },
        { name: "by", title: "By", cell: (one) => (one.by === null ? "" : <Text of={one.by} max={100} />) },
      ]} />
    </Panel>
  );
}

function Open({ board: given, onChanged }: { board: Board; onChanged: () => void }) {
  const who = useStore(session);
  const mayChange = mayDo(who, "operator");
  const [renaming, setRenaming] = useState<number | null>(null);
  const [isDeleting, setDeleting] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [overtaken, setOvertaken] = useState<Problem>();
  // What was saved last, until the boards that are asked for again are here.
  const [saved, setSaved] = useState<Board>();
  useEffect(() => setSaved(undefined), [given]);
  const board = saved ?? given;
  const charts = board.document.charts;
  const done = async (what: () => Promise<unknown>, said: string) => {
    setBusy(true);
    setOvertaken(undefined);
    try {
      await what();
      toast(said);
      onChanged();
    } catch (error) {
      if (isOvertaken(error)) {
        setOvertaken(error);
        onChanged();
      } else {
        toast(error instanceof Problem ? error.message : String(error), true);
      }
    }
    setBusy(false);
  };
  const save = (next: Pinned[], said: string) => void done(async () => setSaved(await saveBoard(board.name, board, next)), said);
  const swapped = (a: number, b: number) => charts.map((one, i) => (i === a ? charts[b]! : i === b ? charts[a]! : one));
  return (
    <>
      <div className="row">
        <Link className="button" to="boards">All boards</Link>
        <h2 className="grow boards-name"><Text of={board.name} max={200} /></h2>
        {mayChange && <Button kind="danger" icon="trash" disabled={isBusy} onClick={() => setDeleting(true)}>Delete this board</Button>}
      </div>
      {overtaken && (
        <Note kind="warn">
          <p>Somebody else was faster, and your change was not saved: <Text of={overtaken.message} />. Below is the board as it is now.</p>
          <Button onClick={() => setOvertaken(undefined)}>I have seen it</Button>
        </Note>
      )}
      {charts.length === 0 ? (
        <Empty title="Nothing is on this board">
          <p>Make a chart in the Explorer, then press “Pin to a board”.</p>
          <Link className="button button-main" to="explorer">Go to the Explorer</Link>
        </Empty>
      ) : (
        <div className="boards-charts">
          {charts.map((one, i) => (
            <PinnedChart key={`${i} ${one.query}`} chart={one} tools={mayChange && (
              <>
                <IconButton icon="up" label={`Move ${plainText(one.title)} forward`} disabled={isBusy || i === 0} onClick={() => save(swapped(i, i - 1), "Moved")} />
                <IconButton icon="down" label={`Move ${plainText(one.title)} back`} disabled={isBusy || i === charts.length - 1} onClick={() => save(swapped(i, i + 1), "Moved")} />
                <IconButton icon="edit" label={`Rename ${plainText(one.title)}`} disabled={isBusy} onClick={() => setRenaming(i)} />
                <IconButton icon="trash" label={`Remove ${plainText(one.title)}`} disabled={isBusy}
                  onClick={() => save(charts.filter((_, k) => k !== i), `Removed ${one.title}`)} />
              </>
            )} />
          ))}
        </div>
      )}
      {renaming !== null && charts[renaming] && (
        <Rename title={charts[renaming].title} onClose={() => setRenaming(null)}
          onDone={(title) => {
            save(charts.map((one, i) => (i === renaming ? { ...one, title } : one)), "Renamed");
            setRenaming(null);
          }} />
      )}
      {isDeleting && (
        <Confirm title="Delete this board" action="Delete" what={<>The board <Text of={board.name} max={200} /> and the order of its charts are gone for everybody.</>}
          onNo={() => setDeleting(false)}
          onYes={() => {
            setDeleting(false);
            void done(async () => {
              await api.delete("/api/boards/{name}", { path: { name: board.name }, version: board.version });
              navigate("boards", {}, { replace: true });
            }, `Deleted the board ${board.name}`);
          }} />
      )}
    </>
  );
}

function Rename({ title, onClose, onDone }: { title: string; onClose: () => void; onDone: (title: string) => void }) {
  const [text, setText] = useState(title);
  return (
    <Dialog title="Rename the chart" onClose={onClose} onSubmit={() => text.trim() !== "" && onDone(text.trim())}
      foot={<>
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="main" type="submit" disabled={text.trim() === ""}>Rename</Button>
      </>}>
      <Field label="Title" value={text} onChange={(event) => setText(event.target.value)} maxLength={200} data-first />
    </Dialog>
  );
}

function PinnedChart({ chart, tools }: { chart: Pinned; tools: ReactNode }) {
  const [box, size] = useSize<HTMLDivElement>();
  const columns = useColumns(size.width);
  const chosen = chosenOf(readQuery(chart.query));
  const shown = useFeed(chosen, columns, anew_ms);
  const query = queryOf(chosen);
  const zoom = (start: number, end: number) => navigate("explorer", queryOf(zoomed(chosen, start, end)));
  return (
    <div className="panel boards-chart" role="group" aria-label={plainText(chart.title)}>
      <div className="panel-head">
        <h3 className="grow"><Link to="explorer" query={query}><Text of={chart.title} max={200} /></Link></h3>
        <span className="row">{tools}</span>
      </div>
      <div ref={box} className="panel-body">
        <RefusedNote why={shown.refused} />
        <AheadNote at={shown.ahead} onShow={() => zoom(shown.feed.window.start, shown.ahead! + 1000)} />
        {shown.wrong ? (
          <Note kind="warn"><p>{shown.wrong.wrong} <Link to="explorer" query={query}>Mend it in the Explorer</Link></p></Note>
        ) : shown.problem && shown.feed.tracks.length === 0 ? (
          <ProblemNote of={shown.problem} onRetry={shown.reload} />
        ) : !shown.ready ? (
          <Loading />
        ) : shown.feed.tracks.length === 0 ? (
          <p className="dim">No numbers in this time.</p>
        ) : (
          <Plots feed={shown.feed} version={shown.version} height={Math.max(chart_min_px, Math.round(window.innerHeight * chart_part))} gaps={chosen.gaps}
            onZoom={zoom} />
        )}
      </div>
    </div>
  );
}
