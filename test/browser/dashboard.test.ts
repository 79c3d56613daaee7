// The dashboard in a real browser, against a gateway that runs: what its pages say is what the ledger says, whoever looks and however.

import AxeBuilder from "axe-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM } from "./chromium.ts";
import { type DashboardRoom, type LookedAt, openRoom, TOKEN } from "./dashboard_room.ts";

if (CHROMIUM === null) console.warn("skipped: there is no Chromium");

/** Every page, and what is in it once it is drawn. */
const PAGES: readonly (readonly [place: string, drawn: string])[] = [
  ["", ".live tbody tr"],
  ["calls", "tbody tr"],
];

interface AxeFinding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** What axe-core finds in a page that is serious or critical. It is evaluated by the debugger: the page's policy would refuse it. */
async function findings({ page }: LookedAt): Promise<string[]> {
  await page.evaluate(AxeBuilder.source);
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as {
    readonly violations: readonly AxeFinding[];
  };
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}

describe.runIf(CHROMIUM !== null)("the dashboard", () => {
  let room: DashboardRoom;

  beforeAll(async () => {
    room = await openRoom();
  }, 60_000);
  afterAll(() => room?.close());

  describe.each(PAGES)("at /ui/%s", (place, drawn) => {
    test.each(["light", "dark"] as const)(
      "has nothing serious for axe, in %s",
      { timeout: 60_000 },
      async (scheme) => {
        const looked = await room.open(place, { scheme });
        await looked.page.waitForSelector(drawn);
        expect(await findings(looked)).toEqual([]);
        expect(looked.foreign).toEqual([]);
        expect(looked.complaints).toEqual([]);
        await looked.page.context().close();
      },
    );

    test("fits a phone", { timeout: 60_000 }, async () => {
      const { page } = await room.open(place, { width: 360, height: 740 });
      await page.waitForSelector(drawn);
      expect(
        await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"),
      ).toBeLessThanOrEqual(0);
      await page.getByRole("button", { name: "Menu" }).click();
      expect(await page.getByRole("link", { name: "Calls", exact: true }).isVisible()).toBe(true);
      await page.context().close();
    });
  });

  test("is entered by the token and left by logging out", { timeout: 60_000 }, async () => {
    const looked = await room.open("calls", { is_logged_in: false });
    const { page } = looked;
    expect(await findings(looked)).toEqual([]);
    await page.getByLabel("Admin token").fill("not-the-token-at-all");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").filter({ hasText: "not the admin token" }).waitFor();
    await page.getByLabel("Admin token").fill(TOKEN);
    await page.keyboard.press("Enter");
    await page.waitForSelector("tbody tr");
    expect(new URL(page.url()).pathname).toBe("/ui/calls");
    expect(await page.evaluate("document.cookie")).not.toContain("session");
    const cookies = await page.context().cookies();
    expect(cookies.find(({ name }) => name.startsWith("venturi_session"))).toMatchObject({
      ...{ httpOnly: true, sameSite: "Strict" },
    });
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByLabel("Admin token").waitFor();
    expect(
      await page.evaluate("fetch('/ui/api/keys', {headers: {'x-venturi-ui': '1'}}).then((r) => r.status)"),
    ).toBe(401);
    expect(looked.complaints).toEqual([]);
    await page.context().close();
  });

  test("tells on Now what the ledger has", { timeout: 60_000 }, async () => {
    const { data } = await room.admin("usage?since=1d");
    const [all] = data;
    const { page } = await room.open("");
    const chart = page.getByRole("img", { name: /Calls per minute of the last hour/ });
    await expect
      .poll(() => chart.getAttribute("aria-label"))
      .toContain(`${all.calls} calls, ${all.errors} of them failed`);
    const spent = await page.locator("#spend-today .tile-value").textContent();
    expect(Number(spent!.replace("$", ""))).toBeCloseTo(all.cost_usd, 4);
    const newest = await room.admin("calls?limit=20");
    const shown = await page.locator(".live tbody tr").count();
    expect(shown).toBe(newest.data.length);
    // A call that comes is seen without anybody doing anything.
    await fetch(`${room.gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer sk-search", "x-venturi-feature": "late" },
      body: JSON.stringify({ model: "no-such-model", messages: [{ role: "user", content: "x" }] }),
    });
    const [late] = (await flushed(room, "calls?limit=1")).data;
    await page.locator(`a[href="/ui/calls/${late.id}"]`).waitFor();
    await page.context().close();
  });

  test("finds calls, tells each as it is recorded, and by keyboard alone", { timeout: 60_000 }, async () => {
    const { data } = await room.admin("calls?key=search&status=200&limit=1000");
    const { page } = await room.open("calls");
    await page.getByRole("button", { name: "Filter" }).click();
    await page.getByLabel("Key", { exact: true }).fill("search");
    await page.getByLabel("Status", { exact: true }).fill("200");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.locator("tbody tr").count()).toBe(data.length);
    expect(page.url()).toContain("key=search");
    expect(page.url()).toContain("status=200");
    const [call] = data;
    const link = page.locator(`a[href="/ui/calls/${call.id}"]`);
    await link.focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".waterfall");
    expect(await page.locator("#cost .tile-value").textContent()).toMatch(/^\$0\.\d+$/);
    const shown = Number((await page.locator("#cost .tile-value").textContent())!.slice(1));
    expect(shown).toBeCloseTo(call.cost_usd, 6);
    expect(await page.locator(".facts").first().textContent()).toContain(call.request_id);
    expect(await page.locator("pre.code").first().textContent()).toContain(`"model":"${call.model}"`);
    await page.goBack();
    await expect.poll(() => page.locator("tbody tr").count()).toBe(data.length);
    await page.context().close();
  });
});

async function flushed(room: DashboardRoom, path: string) {
  await room.admin("ledger/flush");
  return room.admin(path);
}
