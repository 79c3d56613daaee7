import { describe, expect, test } from "vitest";
import { type DrillHooks, drillRoutes } from "../../src/console/drill_routes.ts";
import type { Ask, Reply } from "../../src/console/router.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Drill } from "../../src/memory/drill_table.ts";
import { configOf } from "./admin_api.ts";

/** Drills without a gateway: at most one at once. */
function desk() {
  const drills: Drill[] = [];
  const hooks: DrillHooks = {
    list: () => drills,
    begin: (wish, for_ms) => {
      if (drills.length > 0) return null;
      const drill = { ...wish, id: "d1", began_ms: 0, end_ms: for_ms };
      drills.push(drill);
      return drill;
    },
    end: (id) => drills.splice(0).filter((drill) => id === null || drill.id === id),
  };
  const config = () => configOf("providers: { openai: { kind: openai, api_keys: [k] } }");
  const routes = drillRoutes({ data: "/nowhere", keys: null, config, hooks });
  return async (path: string, method: string, body: unknown = {}, id = ""): Promise<Reply | GatewayError> => {
    const asked = {
      id,
      query: new URLSearchParams(),
      body,
      headers: new Headers(),
      actor: "somebody",
    } as Ask;
    return (await routes[path]![method]!(asked)) as Reply | GatewayError;
  };
}

describe("a drill", () => {
  test("is begun, listed and ended", async () => {
    const ask = desk();
    const begun = await ask("drills", "POST", {
      provider: "openai",
      model: "gpt",
      status: "502",
      for: "90s",
    });
    expect(begun).toMatchObject({
      status: 201,
      json: { id: "d1", provider: "openai", model: "gpt", failure: "502", end: "1970-01-01T00:01:30.000Z" },
    });
    expect(await ask("drills", "GET")).toMatchObject({ json: { data: [{ id: "d1" }] } });
    expect(await ask("drills", "POST", { provider: "openai", for: "1m" })).toMatchObject({
      code: "unavailable",
    });
    expect(await ask("drills/*", "DELETE", {}, "d1")).toMatchObject({ json: { data: [{ id: "d1" }] } });
    expect(await ask("drills/*", "DELETE", {}, "d1")).toMatchObject({ code: "not_found" });
    expect(await ask("drills", "DELETE")).toMatchObject({ json: { data: [] } });
    expect(await ask("drills", "POST", { provider: "sim", status: "cut", for: "1h" })).toMatchObject({
      json: { model: null, failure: "cut" },
    });
  });

  test.each([
    [{ provider: "opnai", for: "60s" }, "openai"],
    [{ provider: "openai" }, "for"],
    [{ provider: "openai", for: "soon" }, "from 1s to 1h"],
    [{ provider: "openai", for: "2h" }, "from 1s to 1h"],
    // A status that would count against the provider's key for longer than the drill.
    [{ provider: "openai", for: "60s", status: 401 }, "status"],
    [{ provider: "openai", for: "60s", status: "429" }, "status"],
    [{ provider: "openai", for: "60s", much: true }, "much"],
  ])("%j is refused", async (wish, said) => {
    const refused = await desk()("drills", "POST", wish);
    expect(refused).toBeInstanceOf(GatewayError);
    expect(`${(refused as GatewayError).message} ${(refused as GatewayError).param}`).toContain(said);
  });
});
