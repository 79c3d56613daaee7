// The one document of the dashboard, the same at every path of it, and the headers that keep it to itself.

import type { DashboardFiles } from "./files.ts";

/** Nothing from elsewhere, nothing inline; nobody may frame it (Content Security Policy Level 3). */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Of every answer below `/ui`. */
export const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CSP,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Crect width='32' height='32' rx='7' fill='%230b6e69'/%3E%3Cpath d='M6 9c8 0 6 5 10 5s2-5 10-5M6 23c8 0 6-5 10-5s2 5 10 5' fill='none' stroke='white' stroke-width='2.6' stroke-linecap='round'/%3E%3C/svg%3E";

/** The document; the theme that its reader chose is in it from the beginning, so that nothing flashes. */
export function pageHtml(files: DashboardFiles, theme: "light" | "dark" | null): string {
  return `<!doctype html>
<html lang="en"${theme === null ? "" : ` data-theme="${theme}"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="${theme ?? "light dark"}">
<title>Venturi</title>
<link rel="icon" href="${ICON}">
<link rel="stylesheet" href="/ui/assets/${files.stylesheet}">
<script type="module" src="/ui/assets/${files.script}"></script>
</head>
<body>
<div id="app"></div>
<noscript>The dashboard needs JavaScript. The same is told by the commands venturi usage, logs, keys and cache.</noscript>
</body>
</html>
`;
}
