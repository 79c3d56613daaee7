// Where in the dashboard its reader is: the path below `/ui` and its query, which a link leads to and the back button leaves.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

const BASE = "/ui";

/** A place in the dashboard. */
export interface Place {
  /** The page's name, `now` where nothing is said. */
  readonly page: string;
  /** What of the page is looked at, such as a call's id. */
  readonly item: string | null;
  readonly query: URLSearchParams;
}

function readPlace(): Place {
  const [page = "", item = ""] = location.pathname
    .slice(BASE.length)
    .split("/")
    .filter((part) => part !== "");
  return {
    page: page === "" ? "now" : page,
    item: item === "" ? null : decodeURIComponent(item),
    query: new URLSearchParams(location.search),
  };
}

const CHANGED = "venturi-place";

/** Goes to a place, such as `calls?status=500`. */
export function goTo(place: string, is_replacing = false): void {
  const url = place === "" ? BASE : `${BASE}/${place}`;
  if (is_replacing) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  dispatchEvent(new Event(CHANGED));
}

/** The present place. */
export function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const look = () => setPlace(readPlace());
    addEventListener("popstate", look);
    addEventListener(CHANGED, look);
    return () => {
      removeEventListener("popstate", look);
      removeEventListener(CHANGED, look);
    };
  }, []);
  return place;
}

/** Sets parameters of the present place; empty ones go. */
export function setQuery({ page, item, query }: Place, changes: Readonly<Record<string, string>>): void {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  goTo(`${page}${item === null ? "" : `/${encodeURIComponent(item)}`}${text === "" ? "" : `?${text}`}`, true);
}

interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean;
  readonly onFollow?: () => void;
  readonly children: ComponentChildren;
}

/** A link within the dashboard; it is one to the browser too, for other tabs. */
export function Link({ to, current, onFollow, children, ...rest }: LinkProps) {
  return (
    <a
      href={to === "" ? BASE : `${BASE}/${to}`}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        goTo(to);
        onFollow?.();
      }}
      {...rest}
    >
      {children}
    </a>
  );
}
