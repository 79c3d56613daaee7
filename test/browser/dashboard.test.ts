// The dashboard in a real browser, against a gateway that runs: what its pages say is what the ledger says, whoever looks and however.

import AxeBuilder from "axe-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { chat, Venturi } from "../chaos/harness.ts";
import { CHROMIUM } from "./chromium.ts";
import { type DashboardRoom, type LookedAt, logIn, openRoom, TOKEN } from "./dashboard_room.ts";

if (CHROMIUM === null) console.warn("skipped: there is no Chromium");

/** Every page, and what is in it once it is drawn. */
const PAGES: readonly (readonly [place: string, drawn: string])[] = [
  ["", ".live tbody tr"],
  ["costs", "tbody tr"],
  ["calls", "tbody tr"],
  ["caches", "tbody tr"],
  ["limits", "tbody tr"],
  ["routing", '[aria-label="Arms of sonnet-or-mini"] tbody tr'],
  ["config", ".lines div"],
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

/** The tables that have to be scrolled to be seen whole, and by how many pixels. */
async function wideTables({ page }: LookedAt): Promise<string[]> {
  const tables = await page
    .locator(".scroll")
    .evaluateAll((all) =>
      all.map((one) => ({ name: one.ariaLabel, hidden_px: one.scrollWidth - one.clientWidth })),
    );
  return tables
    .filter(({ hidden_px }) => hidden_px !== 0)
    .map(({ name, hidden_px }) => `${name}: ${hidden_px} px`);
}

describe.runIf(CHROMIUM !== null)("the dashboard", () => {
  let room: DashboardRoom;

  beforeAll(async () => {
    room = await openRoom();
  }, 60_000);
  afterAll(() => room?.close());

  describe.each(PAGES)("at /ui/%s", (place, drawn) => {
    test.each(["light", "dark"] as const)(
      "has nothing serious for axe, and no table that is wider than its card, in %s",
      { timeout: 60_000 },
      async (scheme) => {
        const looked = await room.open(place, { scheme });
        await looked.page.waitForSelector(drawn);
        expect(await findings(looked)).toEqual([]);
        expect(await wideTables(looked)).toEqual([]);
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
    const { data } = await room.admin("usage?since=1h");
    const [all] = data;
    const { page } = await room.open("");
    const chart = page.getByRole("img", { name: /Calls per minute of the last hour/ });
    await expect
      .poll(() => chart.getAttribute("aria-label"))
      .toContain(`${all.calls} calls, ${all.errors} of them failed`);
    const today = new Date().toISOString().slice(0, 10);
    const [spent] = (await room.admin(`usage?since=${today}`)).data;
    const shown_usd = dollarsOf(await page.locator("#spend-today .tile-value").textContent());
    expect(shown_usd).toBeCloseTo(spent.cost_usd, 2);
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

  test("tells on Costs what usage tells, by every field, and saves it as a file", {
    timeout: 60_000,
  }, async () => {
    const { page } = await room.open("costs?by=provider&range=7d");
    const { data } = await room.admin("usage?by=provider&since=7d");
    const table = page.getByRole("region", { name: "Cost by provider" });
    await expect.poll(() => table.locator("tbody tr").count()).toBe(data.length);
    const total = data.reduce(
      (sum: number, row: { cost_usd: number | null }) => sum + (row.cost_usd ?? 0),
      0,
    );
    expect(dollarsOf(await page.locator("#spent .tile-value").textContent())).toBeCloseTo(total, 2);
    const names = await table.locator("tbody tr td:first-child").allTextContents();
    expect(names).toEqual(data.map(({ provider }: { provider: string | null }) => provider ?? "no provider"));
    const costs = await table.locator("tbody tr td:nth-child(2)").allTextContents();
    for (const [index, { cost_usd }] of data.entries())
      expect(dollarsOf(costs[index]!)).toBeCloseTo(cost_usd, 2);
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export CSV" }).click();
    const file = await saving;
    expect(file.suggestedFilename()).toBe("costs-by-provider-7d.csv");
    const lines = (await Bun.file((await file.path())!).text()).trimEnd().split("\r\n");
    expect(lines).toHaveLength(data.length + 1);
    expect(Number(lines[1]!.split(",")[8])).toBeCloseTo(data[0].cost_usd, 9);
    const forecast = await room.admin("usage/forecast");
    const expected = dollarsOf(await page.locator("#forecast .tile-value").textContent());
    expect(expected).toBeCloseTo(forecast.expected_usd, 1);
    await page.locator(".pick select").selectOption("feature");
    await page.getByRole("button", { name: "24 hours" }).click();
    await expect.poll(() => page.url()).toContain("range=1d");
    const features = (await room.admin("usage?by=feature&since=1d")).data;
    const own = page.getByRole("region", { name: "Cost by feature" });
    await expect.poll(() => own.locator("tbody tr").count()).toBe(features.length);
    await page.context().close();
  });

  test("shows a key once, rotates and revokes it", { timeout: 60_000 }, async () => {
    const { page, complaints } = await room.open("limits");
    await page.getByRole("button", { name: "Create a key" }).click();
    await page.getByLabel("Name", { exact: true }).fill("checkout");
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await page.getByRole("alert").filter({ hasText: "names are unique" }).waitFor();
    await page.getByLabel("Name", { exact: true }).fill("by-hand");
    await page.getByLabel("Requests per minute").fill("2");
    await page.keyboard.press("Enter");
    const secret = await page.locator(".secret").textContent();
    const call = (key: string) =>
      fetch(`${room.gateway.url}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}` },
        body: JSON.stringify({ model: "chat", messages: [{ role: "user", content: "x" }] }),
      }).then(({ status }) => status);
    expect(await call(secret!)).toBe(200);
    await page.getByRole("button", { name: "I have it" }).click();
    expect(await page.content()).not.toContain(secret);
    await page
      .getByRole("row")
      .filter({ hasText: "2 requests per minute" })
      .filter({ hasText: "50 %" })
      .waitFor();
    await page.getByRole("button", { name: "Rotate by-hand" }).click();
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    const next = await page.locator(".secret").textContent();
    expect(next).not.toBe(secret);
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByRole("button", { name: "Revoke by-hand" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect((await room.admin("keys/by-hand")).state).toBe("active");
    await page.getByRole("button", { name: "Revoke by-hand" }).click();
    await page.getByRole("button", { name: "Revoke", exact: true }).click();
    await page.getByRole("row").filter({ hasText: "by-hand" }).filter({ hasText: "revoked" }).waitFor();
    expect([await call(secret!), await call(next!)]).toEqual([401, 401]);
    expect(complaints.filter((text) => !text.includes("409"))).toEqual([]);
    await page.context().close();
  });

  test("browses kept answers and removes one that is bad, and all of a model", {
    timeout: 60_000,
  }, async () => {
    const { page } = await room.open("caches");
    const { data } = await room.admin("cache/entries?limit=1000");
    const table = page.getByRole("region", { name: "Kept answers", exact: true });
    await expect.poll(() => table.locator("tbody tr").count()).toBe(data.length);
    const stats = await room.admin("cache");
    expect(await page.locator("#entries .tile-value").textContent()).toBe(String(stats.answers.entries));
    await page.getByRole("button", { name: "Mark as bad: an answer of summary" }).first().click();
    await page.getByRole("button", { name: "Mark as bad", exact: true }).last().click();
    await page.getByRole("status").filter({ hasText: "1 answer removed." }).waitFor();
    await expect.poll(() => table.locator("tbody tr").count()).toBe(data.length - 1);
    await page.getByLabel("Tenant").fill("globex");
    await page.keyboard.press("Enter");
    const others = data.filter(({ tenant }: { tenant: string }) => tenant === "globex").length;
    await expect
      .poll(async () => Math.abs((await table.locator("tbody tr").count()) - others))
      .toBeLessThanOrEqual(1);
    await page.getByRole("button", { name: "Remove all of these" }).click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.getByText("No kept answer is like this.").waitFor();
    expect((await room.admin("cache/entries?tenant=globex")).data).toEqual([]);
    await page.context().close();
  });

  test("tells on Routing the rules, the shares and what tests show, and runs a drill", {
    timeout: 60_000,
  }, async () => {
    const { page } = await room.open("routing");
    const rules = page.getByRole("region", { name: "Policy table" });
    await rules.getByText("model is auto and prompt tokens is <=200").waitFor();
    expect(await rules.locator("tbody tr").count()).toBe(3);
    const { data } = await room.admin("experiments?since=7d");
    expect(data.map(({ name }: { name: string }) => name).sort()).toEqual([
      "ab",
      "chat",
      "halves",
      "sonnet-or-mini",
    ]);
    for (const { name, arms } of data) {
      const shown = page.getByRole("region", { name: `Arms of ${name}` });
      await expect
        .poll(() => shown.locator("tbody td:nth-child(2)").allTextContents())
        .toEqual(arms.map(({ calls }: { calls: number }) => String(calls)));
    }
    await page.locator('select[name="provider"]').selectOption("west");
    await page.getByRole("button", { name: "Begin a drill" }).click();
    await page.getByRole("button", { name: "Begin the drill" }).click();
    await page.getByRole("button", { name: "End the drill of west" }).waitFor();
    expect((await room.admin("drills")).data).toMatchObject([{ provider: "west", failure: "503" }]);
    await page.getByRole("button", { name: "End the drill of west" }).click();
    await page.getByText("No drill is under way.").waitFor();
    await page.context().close();
  });

  test("tells on Config what runs, what the file would change, and what is wrong with a draft", {
    timeout: 60_000,
  }, async () => {
    const { page } = await room.open("config");
    const lines = page.getByRole("region", { name: "The running configuration" });
    await lines.getByText("usd_per_day: 0.05").waitFor();
    const text = await lines.textContent();
    for (const secret of [TOKEN, "sk-checkout", "sk-search"]) expect(text).not.toContain(secret);
    await page.getByText("runs as it is").waitFor();
    const draft = page.locator("textarea");
    await draft.fill("providers:\n  openai: { kind: opanai }\n");
    await page.getByRole("button", { name: "Validate" }).click();
    await page.getByText('did you mean "openai"').waitFor();
    expect(await page.locator(".problems .place").textContent()).toMatch(/^2:\d+$/);
    await draft.fill("models: { chat: { targets: [sim/echo] } }\n");
    await page.getByRole("button", { name: "Validate" }).click();
    await page.getByText("would be accepted").waitFor();
    await page.context().close();
  });

  test("keeps the colours that were chosen, from the first byte of the next page on", {
    timeout: 60_000,
  }, async () => {
    const { page } = await room.open("", { scheme: "light" });
    await page.getByRole("button", { name: "Dark" }).click();
    const background = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    expect(await background()).toBe("rgb(17, 19, 21)");
    const html = await (await page.goto(`${room.gateway.url}/ui/costs`))!.text();
    expect(html).toContain('<html lang="en" data-theme="dark">');
    await page.getByRole("button", { name: "Auto" }).click();
    expect(await background()).toBe("rgb(246, 246, 244)");
    await page.context().close();
  });

  test("shows what a call said to who may see it, with an order that says it again", {
    timeout: 60_000,
  }, async () => {
    const [call] = (await room.admin("calls?model=chat&status=200&key=checkout&limit=1")).data;
    const refused = await room.open(`calls/${call.id}`);
    await refused.page.getByText("without the permission to see what calls said").waitFor();
    expect(await refused.page.getByRole("button", { name: "Show what was said" }).count()).toBe(0);
    expect(await refused.page.getByRole("button", { name: "Ask again" }).count()).toBe(0);
    await refused.page.context().close();
    const looked = await room.open(`calls/${call.id}`, { may_see_content: true });
    const { page } = looked;
    const before = (await room.admin("audit")).data.length;
    await page.getByRole("button", { name: "Show what was said" }).click();
    await page.locator(".turns").getByText("Tell me of tube number").first().waitFor();
    expect((await room.admin("audit")).data.slice(before)).toMatchObject([
      { action: "content.read", target: call.id },
    ]);
    const order = await page.locator("pre.code").filter({ hasText: "curl" }).textContent();
    expect(order).toContain("Tell me of tube number");
    expect(await findings(looked)).toEqual([]);
    expect(looked.complaints).toEqual([]);
    await page.context().close();
  });

  test("says how content is kept where none is", { timeout: 60_000 }, async () => {
    const config = `admin: { token: ${TOKEN} }\nproviders: { own: { kind: sim } }\nkeys: [{ name: k, key: sk-k }]\n`;
    const gateway = await new Venturi({ config, args: ["--workers", "1"] }).ready();
    const context = await room.browser.newContext();
    try {
      await fetch(`${gateway.url}/v1/chat/completions`, {
        ...{ method: "POST", body: chat("own/echo", "a secret of the caller's") },
        headers: { authorization: "Bearer sk-k" },
      });
      const authorization = `Bearer ${TOKEN}`;
      const api = `${gateway.url}/admin/v1`;
      await fetch(`${api}/ledger/flush`, { method: "POST", headers: { authorization } });
      const calls = await fetch(`${api}/calls?limit=1`, { headers: { authorization } });
      const { data } = (await calls.json()) as { data: { id: string }[] };
      await context.addCookies([await logIn(gateway, TOKEN)]);
      const page = await context.newPage();
      await page.goto(`${gateway.url}/ui/calls/${data[0]!.id}`);
      await page.getByText("Prompts and answers are not kept").waitFor();
      await page.getByText("content: { store: on, retention_days: 7 }").waitFor();
      expect(await page.getByRole("button", { name: "Show what was said" }).count()).toBe(0);
      expect(await page.content()).not.toContain("a secret of the caller's");
    } finally {
      await context.close();
      await gateway.end();
    }
  });

  test("asks again of another model, shows that it goes on, and puts both answers side by side", {
    timeout: 60_000,
  }, async () => {
    // One whose answer is another than the candidate's: a quarter of them are answered by the same model.
    const echoed = "calls?model=chat&status=200&key=checkout&provider=east&limit=1";
    const [call] = (await room.admin(echoed)).data;
    const looked = await room.open(`calls/${call.id}`, { may_see_content: true });
    const { page } = looked;
    await page.getByLabel("Model").fill("sim/slow");
    await page.getByRole("button", { name: "Ask again" }).click();
    await page.getByRole("status").filter({ hasText: "Asking sim/slow" }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("alert").first().waitFor();
    await page.getByLabel("Model").fill("candidate");
    await page.getByRole("button", { name: "Ask again" }).click();
    const now = page.getByRole("region", { name: "Now", exact: true });
    await now.getByText("east/lorem").waitFor();
    const path = "calls?tenant=replay/acme&model=candidate&limit=1";
    const [replay] = (await flushed(room, path)).data;
    expect(replay).toMatchObject({ replay_of: call.id, model: "candidate" });
    const cost = await now.locator("dd").filter({ hasText: "$" }).first().textContent();
    expect(dollarsOf(cost)).toBeCloseTo(replay.cost_usd, 6);
    await page.getByRole("region", { name: "Before", exact: true }).locator("p").first().waitFor();
    await page.locator(".sides .removed").first().waitFor();
    await page.locator(".sides .added").first().waitFor();
    expect(await findings(looked)).toEqual([]);
    expect(looked.foreign).toEqual([]);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(
      await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"),
    ).toBeLessThanOrEqual(0);
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

function dollarsOf(text: string | null): number {
  return Number(text!.replace(/[$,]/g, ""));
}

async function flushed(room: DashboardRoom, path: string) {
  await room.admin("ledger/flush");
  return room.admin(path);
}
