// Takes the pictures of docs/dashboard.md: `bun test/browser/dashboard_shots.ts [PAGE …]`.

import { join } from "node:path";
import type { Page } from "playwright-core";
import { openRoom } from "./dashboard_room.ts";

const FOLDER = join(import.meta.dirname, "../../docs/img");
const PAGES = ["now", "costs", "calls", "call", "said", "caches", "limits", "routing", "quality", "config"];

/** Calls for a while, some every second. */
async function sendCalls(for_ms: number): Promise<void> {
  const end_ms = Date.now() + for_ms;
  for (let number = 0; Date.now() < end_ms; number++) await Promise.all([room.call(number), Bun.sleep(120)]);
}

/** Shows what the call said, and what another model says to it. */
async function sayAgain(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Show what was said" }).click();
  await page.waitForSelector(".turns");
  await page.getByLabel("Model").fill("candidate");
  await page.getByRole("button", { name: "Ask again" }).click();
  await page.waitForSelector(".sides");
}

const wanted = process.argv.slice(2);
const room = await openRoom(60, 250_000, 0);
try {
  await fetch(`${room.gateway.url}/admin/v1/keys`, {
    method: "POST",
    headers: { authorization: "Bearer an-admin-token-for-tests" },
    body: JSON.stringify({
      name: "mobile",
      tenant: "acme",
      models: ["chat", "summary"],
      limits: { rpm: 600, usd_per_month: 200 },
    }),
  });
  for (const name of PAGES) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const scheme of ["light", "dark"] as const) {
      const [failed] = (await room.admin("calls?model=shaky&limit=1")).data;
      const [answered] = (await room.admin("calls?model=chat&status=200&limit=1")).data;
      const places: Readonly<Record<string, string>> = {
        ...{ call: `calls/${failed.id}`, said: `calls/${answered.id}`, quality: "routing" },
      };
      const place = places[name] ?? name;
      const { page, complaints } = await room.open(place, { scheme, may_see_content: name === "said" });
      if (name === "said") await sayAgain(page);
      if (name === "config") await page.locator("textarea").fill("providers:\n  openai: { kind: opanai }\n");
      if (name === "config") await page.getByRole("button", { name: "Validate" }).click();
      await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)");
      if (name === "said")
        await page.evaluate("document.querySelector('.turns').closest('.card').scrollIntoView()");
      if (name === "now") await sendCalls(6_000);
      else await page.waitForTimeout(1_200);
      if (name === "quality")
        await page.evaluate("document.querySelector('[aria-label=\"How models answer\"]').scrollIntoView()");
      await page.screenshot({ path: join(FOLDER, `ui-${name}-${scheme}.png`) });
      for (const complaint of complaints) console.error(`${name}: ${complaint}`);
      await page.context().close();
    }
  }
} finally {
  await room.close();
}
