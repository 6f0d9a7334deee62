// SPDX-License-Identifier: Apache-2.0
import { Component, lazy, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import { addressOf, signOut, silentSince } from "../api/client";
import { link, retryNow } from "../api/live";
import { mayDo, session } from "../api/session";
import { pages } from "../pages";
import type { Page } from "../pages/page";
import { Button, Empty, Icon, IconButton, Link, Loading, Note, plainText, Text, Toasts, type IconName } from "../ui";
import { clock, span } from "./format";
import { useNow } from "./hooks";
import icon from "./icon.svg";
import { useRoute } from "./router";
import "./shell.css";
import { SignIn } from "./SignIn";
import { useStore } from "./store";
import { theme, type Theme } from "./theme";

const views = new Map(pages.map((page) => [page.path, lazy(page.load)]));

export function App() {
  const route = useRoute();
  const who = useStore(session);
  const page = pages.find((one) => one.path === route.page);
  const main = useRef<HTMLElement>(null);
  const [menu, setMenu] = useState(false);
  const title = page?.title ?? "Nothing here";
  useEffect(() => {
    document.title = `${plainText(title)} · libtelemetry`;
  }, [title]);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
    setMenu(false);
    scrollTo(0, 0);
  }, [route.page]);
  const View = page && views.get(page.path);
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => {
        event.preventDefault();
        main.current?.focus();
      }}>Skip to the content</a>
      <div className="shell">
        <aside className="shell-side">
          <Menu current={route.page} />
        </aside>
        <header className="shell-top">
          <span className="only-narrow">
            <IconButton icon="menu" label="Menu" aria-expanded={menu} onClick={() => setMenu(true)} />
          </span>
          <h1>{title}</h1>
          <LinkState />
          <ThemeSwitch />
          {who?.csrf_token && (
            <IconButton icon="exit" label={`Sign out ${plainText(who.name)}`} onClick={() => void signOut()} />
          )}
        </header>
        <main ref={main} id="main" className="shell-main" tabIndex={-1}>
          <div className="stack">
            <LostNote />
            <StrangeNote />
            <Trouble key={route.page}>
              {who === null ? (
                <Loading what="Asking the gateway who you are" />
              ) : View && page ? (
                page.isFor && !page.isFor(who) ? (
                  <Empty title="This page is not for you">
                    <p>It shows what {plainText(who.name)} ({who.role}) may not see. An administrator can change that.</p>
                  </Empty>
                ) : (
                  <Suspense fallback={<Loading />}>
                    <View />
                  </Suspense>
                )
              ) : (
                <Empty title="There is no such page">
                  <p>The address may have been cut off.</p>
                  <Link className="button" to="overview">Go to the overview</Link>
                </Empty>
              )}
            </Trouble>
          </div>
        </main>
      </div>
      {menu && <Drawer current={route.page} onClose={() => setMenu(false)} />}
      <Toasts />
      <SignIn />
    </>
  );
}

function Menu({ current }: { current: string }) {
  const who = useStore(session);
  const groups = useMemo(() => {
    const out = new Map<string, Page[]>();
    for (const page of pages) {
      if (page.isFor && !page.isFor(who)) continue;
      out.set(page.group, [...(out.get(page.group) ?? []), page]);
    }
    return [...out];
  }, [who]);
  return (
    <>
      <div className="brand">
        <img src={icon} alt="" />
        libtelemetry
      </div>
      <nav aria-label="Pages">
        {groups.map(([group, members]) => (
          <div key={group}>
            <p className="nav-group">{group}</p>
            {members.map((page) => (
              <Link key={page.path} className="nav-link" to={page.path} aria-current={page.path === current ? "page" : undefined}>
                <Icon name={page.icon} />
                {page.title}
              </Link>
            ))}
          </div>
        ))}
        <a className="nav-link" href={addressOf("/api/docs")}>
          <Icon name="docs" />
          API
        </a>
      </nav>
      {who && (
        <p className="shell-foot">
          <Text of={who.name} max={60} />
          <br />
          {who.role}
          {who.scope !== null && `, ${who.scope.length} topic ${who.scope.length === 1 ? "filter" : "filters"}`}
          {!mayDo(who, "operator") && ", reads only"}
        </p>
      )}
    </>
  );
}

function Drawer({ current, onClose }: { current: string; onClose: () => void }) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    ref.current?.showModal();
    const dialog = ref.current;
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} className="drawer" aria-label="Menu" onClose={onClose}
      onClick={(event) => {
        if (event.target === ref.current || (event.target as Element).closest("a")) onClose();
      }}>
      <Button kind="quiet" icon="close" onClick={onClose}>Close</Button>
      <Menu current={current} />
    </dialog>
  );
}

function LinkState() {
  const { state } = useStore(link);
  const silent = useStore(silentSince);
  const [dot, text] =
    silent !== null || state === "lost" ? ["bad", "No connection"]
      : state === "connecting" ? ["warn", "Connecting"]
        : state === "live" ? ["ok", "Live"]
          : ["ok", "Connected"];
  return (
    <span className="link-state" role="status" title={text}>
      <span className={`dot dot-${dot}`} />
      <span className="link-state-text">{text}</span>
    </span>
  );
}

const quiet_ms = 1500; // so short a loss is not worth a word

function LostNote() {
  const { state, since, detail } = useStore(link);
  const silent = useStore(silentSince);
  const now = useNow();
  const from = state === "lost" ? Math.min(since, silent ?? since) : silent;
  if (from === null || now - from < quiet_ms) return null;
  return (
    <Note kind="warn">
      <p>
        {silent === null ? "No live messages" : "No connection to the gateway"} since {clock(from)}
        <span aria-hidden="true"> ({span(now - from)})</span>
        {silent === null && `: ${detail}`}. What you see is from before. This page tries again by itself and goes on where it stopped.
      </p>
      {state === "lost" && <Button onClick={retryNow}>Try now</Button>}
    </Note>
  );
}

/** What the gateway has refused of no stream: a part of a page says itself what was refused of its own. */
function StrangeNote() {
  const { state, detail } = useStore(link);
  if (state !== "live" || detail === "") return null;
  return (
    <Note kind="warn">
      <p>The gateway has refused something that this page said live: <Text of={detail} />. Load the page again; it may be of another version than the gateway.</p>
      <Button onClick={() => location.reload()}>Load again</Button>
    </Note>
  );
}

const themes: Record<Theme, { icon: IconName; text: string; next: Theme }> = {
  system: { icon: "screen", text: "as the system", next: "light" },
  light: { icon: "sun", text: "light", next: "dark" },
  dark: { icon: "moon", text: "dark", next: "system" },
};
function ThemeSwitch() {
  const now = useStore(theme);
  const { icon: picture, text, next } = themes[now] ?? themes.system;
  return (
    <IconButton icon={picture} label={`Colours: ${text}; change to ${themes[next].text}`} onClick={() => theme.set(next)} />
  );
}

/** A page that breaks leaves the others whole. */
class Trouble extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <Empty title="This page has failed">
        <p>
          <Text of={this.state.error.message} />
        </p>
        <p>Load it again. If the gateway was replaced by a newer version meanwhile, that is all it needs.</p>
        <Button kind="main" onClick={() => location.reload()}>Load again</Button>
      </Empty>
    );
  }
}
