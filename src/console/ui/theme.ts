// Light or dark: what the system says, unless the reader has chosen. The choice is a cookie, so that the gateway puts it into the
// document and nothing flashes.

import { useEffect, useState } from "preact/hooks";

/** What can be chosen. */
export type Theme = "system" | "light" | "dark";

const YEAR_S = 31_536_000;
const CHANGED = "venturi-theme";

function chosen(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

/** Chooses a theme. */
export function setTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
  const scheme = document.querySelector<HTMLMetaElement>('meta[name="color-scheme"]');
  if (scheme !== null) scheme.content = theme === "system" ? "light dark" : theme;
  const age_s = theme === "system" ? 0 : YEAR_S;
  // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is not everywhere, and needs HTTPS.
  document.cookie = `venturi_theme=${theme}; Path=/ui; Max-Age=${age_s}; SameSite=Strict`;
  dispatchEvent(new Event(CHANGED));
}

/** The theme that is chosen, and a number that changes with the colours. */
export function useTheme(): { readonly theme: Theme; readonly change: number } {
  const [state, setState] = useState({ theme: chosen(), change: 0 });
  useEffect(() => {
    const look = () => setState(({ change }) => ({ theme: chosen(), change: change + 1 }));
    const system = matchMedia("(prefers-color-scheme: dark)");
    system.addEventListener("change", look);
    addEventListener(CHANGED, look);
    return () => {
      system.removeEventListener("change", look);
      removeEventListener(CHANGED, look);
    };
  }, []);
  return state;
}
