// The whole page: the login, or the places of the dashboard with the way between them.

import { useEffect, useRef, useState } from "preact/hooks";
import { Fault, type Session, session, whenLoggedOut } from "./api.ts";
import { CachesPage } from "./caches.tsx";
import { CallPage } from "./call.tsx";
import { CallsPage } from "./calls.tsx";
import { ConfigPage } from "./config.tsx";
import { CostsPage } from "./costs.tsx";
import { LimitsPage } from "./limits.tsx";
import { Login } from "./login.tsx";
import { Mark } from "./mark.tsx";
import { NowPage } from "./now.tsx";
import { Trouble } from "./parts.tsx";
import { goTo, Link, type Place, usePlace } from "./place.tsx";
import { RoutingPage } from "./routing.tsx";
import { setTheme, type Theme, useTheme } from "./theme.ts";

const PAGES = [
  ["now", "Now"],
  ["costs", "Costs"],
  ["calls", "Calls"],
  ["caches", "Caches"],
  ["limits", "Limits"],
  ["routing", "Routing"],
  ["config", "Config"],
] as const;

/** The page. */
export function App() {
  const [state, setState] = useState<Session | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const look = async () => {
    try {
      setState(await session.look());
      setFault(null);
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
    }
  };
  useEffect(() => {
    whenLoggedOut(() => setState((now) => ({ has_token: true, ...now, active: false })));
    void look();
  }, []);
  if (state === null) {
    return (
      <main class="login">{fault !== null && <Trouble fault={fault} onRetry={() => void look()} />}</main>
    );
  }
  if (!state.active) return <Login has_token={state.has_token ?? true} onDone={() => void look()} />;
  const leave = async () => {
    await session.end().catch(() => {});
    await look();
    goTo("");
  };
  return <Dashboard onLeave={() => void leave()} />;
}

function Dashboard({ onLeave }: { readonly onLeave: () => void }) {
  const place = usePlace();
  const [is_open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const title = PAGES.find(([page]) => page === place.page)?.[1] ?? "Nothing here";
  const is_first = useRef(true);
  useEffect(() => {
    document.title = `${title} · Venturi`;
    // Who goes by keyboard begins at the new page's beginning, not behind the way to it.
    if (!is_first.current) main.current?.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    is_first.current = false;
    scrollTo(0, 0);
  }, [place.page, place.item, title]);
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <div class="frame">
        <header class="side">
          <div class="side-top">
            <Link to="" class="brand">
              <Mark /> Venturi
            </Link>
            <button
              type="button"
              class="menu"
              aria-expanded={is_open}
              aria-controls="way"
              onClick={() => setOpen(!is_open)}
            >
              Menu
            </button>
          </div>
          <div id="way" class={is_open ? "way open" : "way"}>
            <nav aria-label="Pages">
              {PAGES.map(([page, text]) => (
                <Link
                  key={page}
                  to={page === "now" ? "" : page}
                  current={page === place.page}
                  onFollow={() => setOpen(false)}
                >
                  {text}
                </Link>
              ))}
            </nav>
            <div class="side-end">
              <ThemeSwitch />
              <button type="button" class="quiet" onClick={onLeave}>
                Log out
              </button>
            </div>
          </div>
        </header>
        <main id="main" ref={main} tabIndex={-1}>
          <PageAt place={place} />
        </main>
      </div>
    </>
  );
}

function PageAt({ place }: { readonly place: Place }) {
  switch (place.page) {
    case "now":
      return <NowPage />;
    case "costs":
      return <CostsPage place={place} />;
    case "calls":
      return place.item === null ? <CallsPage place={place} /> : <CallPage id={place.item} />;
    case "caches":
      return <CachesPage />;
    case "limits":
      return <LimitsPage />;
    case "routing":
      return <RoutingPage />;
    case "config":
      return <ConfigPage />;
    default:
      return (
        <>
          <h1 tabIndex={-1}>Nothing here</h1>
          <p>
            There is no page of this name. <Link to="">Go to Now</Link>
          </p>
        </>
      );
  }
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function ThemeSwitch() {
  const { theme } = useTheme();
  return (
    <div class="choice small" role="group" aria-label="Colours">
      {THEMES.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === theme} onClick={() => setTheme(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}
