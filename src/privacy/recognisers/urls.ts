// URLs with credentials: what stands before the "@" of an authority, as in postgres://jo:secret@db.example, and the paths of webhooks
// that whoever knows may post to. Scheme and host stay, because they are what the sentence is about.

import { isAlnum } from "./letters.ts";
import type { Recogniser, Scan } from "./scan.ts";

/** An authority is not looked through beyond this. */
const AUTHORITY_MAX = 1024;
/** A user without a password is a token if it is this long. */
const TOKEN_MIN = 20;

const ENDS = new Set(Array.from("/?#\\\"'`<>|^{}[] \t\r\n,;", (sign) => sign.charCodeAt(0)));
const AT = 0x40;
const COLON = 0x3a;

/** Finds the credentials of URLs. */
export const URL_CREDENTIALS: Recogniser = {
  entities: ["URL_CREDENTIALS"],
  scheme(scan, colon) {
    const { text } = scan;
    const start = colon + 3;
    addWebhook(scan, start);
    const most = Math.min(text.length, start + AUTHORITY_MAX);
    let user_end = -1;
    let at_sign = -1;
    for (let at = start; at < most; at++) {
      const code = text.charCodeAt(at);
      if (ENDS.has(code)) break;
      if (code === AT) at_sign = at;
      else if (code === COLON && user_end < 0) user_end = at;
    }
    if (at_sign <= start) return;
    const has_password = user_end >= 0 && user_end < at_sign;
    if (has_password ? user_end + 1 === at_sign : at_sign - start < TOKEN_MIN) return;
    const password = text.slice(has_password ? user_end + 1 : start, at_sign);
    // "$PASS", "%s" and "****" stand for a password.
    if (/^[$%]/.test(password) || /^[*x.]+$/i.test(password)) return;
    scan.add("URL_CREDENTIALS", start, at_sign, 0.98);
  },
};

const WEBHOOKS = ["hooks.slack.com/services/", "discord.com/api/webhooks/", "discordapp.com/api/webhooks/"];
const PATH_MAX = 200;
const SLASH = 0x2f;

function addWebhook(scan: Scan, start: number): void {
  const { text } = scan;
  const webhook = WEBHOOKS.find((host) => text.startsWith(host, start));
  if (webhook === undefined) return;
  const path = start + webhook.length;
  let end = path;
  while (end - path < PATH_MAX && (text.charCodeAt(end) === SLASH || isPath(text.charCodeAt(end)))) end++;
  if (end - path > TOKEN_MIN) scan.add("URL_CREDENTIALS", path, end, 0.95);
}

function isPath(code: number): boolean {
  return isAlnum(code) || code === 0x2d || code === 0x5f;
}
