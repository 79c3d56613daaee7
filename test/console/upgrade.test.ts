// Who may have another program take over: whoever may open the data folder, and nobody else.

import { afterEach, expect, test } from "vitest";
import { type ApiUnderTest, openApi } from "./admin_api.ts";

let api: ApiUnderTest;
afterEach(() => api.end());

const by = (actor: string) => ({ "x-venturi-actor": actor });

test("an upgrade is begun at the socket and by commands, and is in the audit log", async () => {
  api = openApi();
  expect(await api.ask("POST", "upgrade")).toMatchObject({
    status: 200,
    json: { object: "upgrade", pid: 7 },
  });
  const program = "/opt/venturi";
  expect(await api.ask("POST", "upgrade", { program }, by("command uid 1000"))).toMatchObject({
    status: 503,
    json: { error: { message: "Nothing has changed: no /opt/venturi." } },
  });
  const { json } = await api.ask("GET", "audit");
  const entries = (
    json as { readonly data: readonly { readonly action: string; readonly change: unknown }[] }
  ).data;
  expect(entries.filter(({ action }) => action === "upgrade").map(({ change }) => change)).toEqual(
    expect.arrayContaining([
      { program: null, pid: 7 },
      { program, fault: "no /opt/venturi" },
    ]),
  );
});

test("it is hidden from the admin token and the dashboard", async () => {
  api = openApi();
  for (const actor of ["admin token", "admin token from 10.0.0.1", "dashboard from 10.0.0.1"])
    expect((await api.ask("POST", "upgrade", {}, by(actor))).status).toBe(404);
});

test("a program is named by its whole path", async () => {
  api = openApi();
  for (const body of [{ program: "venturi" }, { program: 7 }, { path: "/opt/venturi" }])
    expect((await api.ask("POST", "upgrade", body)).status).toBe(400);
});
