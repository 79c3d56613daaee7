import { describe, expect, test } from "vitest";
import { chatCompletion, type Script, type ScriptedUpstream } from "../scripted_upstream.ts";
import { errorOf, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

const ok: Script = (_, reply) => reply.json(200, chatCompletion("hello"));
const failing =
  (status: number): Script =>
  (_, reply) =>
    reply.json(status, { error: { message: `no ${status}`, type: "t", param: null, code: "c" } });

/** Two providers and a model that asks one after the other, without retries unless asked for. */
function pair(
  first: ScriptedUpstream,
  second: ScriptedUpstream,
  rest = "retries: { attempts: 0 }",
): TestGateway {
  const line = (name: string, { base_url }: ScriptedUpstream) =>
    `  ${name}: { kind: openai, base_url: "${base_url}", api_keys: [none] }\n`;
  return room.gateway(
    `providers:\n${line("first", first)}${line("second", second)}models:\n  chat: { targets: [first/a, second/b], ${rest} }\n  alone: { targets: [first/a], ${rest} }\n`,
  );
}

async function ask(
  gateway: TestGateway,
  times: number,
  extra: Record<string, unknown> = {},
): Promise<number[]> {
  const statuses: number[] = [];
  for (let call = 0; call < times; call++) {
    const response = await gateway.chat(extra);
    await response.text();
    statuses.push(response.status);
  }
  return statuses;
}

/** Event streams of a chat that break off in the middle. */
const cut: Script = async (_, reply) => {
  await reply.sse({
    choices: [{ index: 0, delta: { role: "assistant", content: "Hel" }, finish_reason: null }],
  });
  reply.destroy();
};
const lies: Readonly<Record<string, Script>> = {
  "an error inside a 200": (_, reply) =>
    reply.json(200, { error: { message: "overloaded", type: "server_error", param: null, code: null } }),
  "half a JSON": (_, reply) =>
    reply
      .raw(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{"choi',
      )
      .then(() => reply.fin()),
  "a page": (_, reply) =>
    reply.raw("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"),
  "a reset connection": (_, reply) => reply.destroy(),
};

describe("an outage", () => {
  test("costs a handful of calls their first try, and no more", async () => {
    const [first, second] = [await room.upstream(failing(503)), await room.upstream(ok)];
    const gateway = pair(first, second);
    expect(new Set(await ask(gateway, 30))).toEqual(new Set([200]));
    expect([first.requests.length, second.requests.length]).toEqual([5, 30]);
    const [opened, passed] = [gateway.kept.rows()[4]!, gateway.kept.rows()[5]!];
    expect(opened.attempts.map(({ outcome }) => outcome)).toEqual(["503", "ok"]);
    expect(passed.attempts).toMatchObject([
      { provider: "first", model: "a", outcome: "open" },
      { provider: "second", model: "b", outcome: "ok" },
    ]);
    expect(gateway.kept.said.filter((line) => !line.includes("price"))).toEqual([
      "first/a is passed over from now on: its calls fail (503)",
    ]);
  });

  test("is not asked about again by the retries of the call that saw it", async () => {
    const [first, second] = [await room.upstream(failing(500)), await room.upstream(ok)];
    const gateway = pair(first, second, "retries: { attempts: 9, backoff_ms: 1 }");
    expect(await ask(gateway, 3)).toEqual([200, 200, 200]);
    expect(first.requests).toHaveLength(5);
  });

  test("of the only target there is costs each call one try, whose answer it is told; one that goes well ends it", async () => {
    const first = await room.upstream(failing(503));
    const gateway = pair(first, first, "retries: { attempts: 2, backoff_ms: 1 }");
    const statuses = await ask(gateway, 10, { model: "alone" });
    expect(new Set(statuses)).toEqual(new Set([503]));
    // Three, two, then one of each.
    expect(first.requests).toHaveLength(13);
    first.use(ok);
    expect(await ask(gateway, 1, { model: "alone" })).toEqual([200]);
    const target = healthOfFirst(gateway);
    expect(target.state).toBe("slow_start");
  });

  test("that hangs does not pile up calls", async () => {
    const first = await room.upstream(failing(503));
    const gateway = pair(first, first);
    await ask(gateway, 5, { model: "alone" });
    first.use((_, reply) => reply.never());
    const hanging = Array.from({ length: 8 }, () => gateway.chat({ model: "alone" }));
    await first.waitFor(() => first.requests.length === 13);
    const response = await gateway.chat({ model: "alone" });
    expect(response.status).toBe(503);
    expect(errorOf(await response.text()).code).toBe("unavailable");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    await gateway.gateway.stop(0);
    await Promise.allSettled(hanging);
  });

  test.each(Object.keys(lies))("may be %s", async (lie) => {
    const [first, second] = [await room.upstream(lies[lie]!), await room.upstream(ok)];
    const gateway = pair(first, second);
    await ask(gateway, 8);
    expect(first.requests).toHaveLength(5);
  });

  test("may be streams that break off after they have begun", async () => {
    const first = await room.upstream(cut);
    const gateway = pair(first, await room.upstream(ok));
    await ask(gateway, 7, { stream: true });
    expect(first.requests).toHaveLength(5);
  });
});

describe("no outage is", () => {
  test.each([400, 404, 429])("status %i", async (status) => {
    const [first, second] = [await room.upstream(failing(status)), await room.upstream(ok)];
    const gateway = pair(first, second);
    await ask(gateway, 12);
    expect(first.requests).toHaveLength(12);
  });

  test("a client that leaves, nor a deadline that a client set", async () => {
    const first = await room.upstream((_, reply) => reply.never());
    const gateway = pair(first, await room.upstream(ok));
    for (let call = 1; call <= 6; call++) {
      const leaving = new AbortController();
      const asked = gateway.chat({}, { signal: leaving.signal }).catch(() => null);
      await first.waitFor(() => first.requests.length === call);
      leaving.abort();
      await asked;
      await gateway.idle();
    }
    const headers = { "x-venturi-deadline-ms": "30" };
    for (let call = 0; call < 6; call++) expect((await gateway.chat({}, { headers })).status).toBe(504);
    expect(healthOfFirst(gateway)).toMatchObject({ state: "closed", calls: 0 });
  });
});

test("a model's own deadline is one, where a target took most of it", async () => {
  const first = await room.upstream((_, reply) => reply.never());
  const gateway = pair(first, await room.upstream(ok), "retries: { attempts: 0 }, deadline_ms: 300");
  const statuses: number[] = [];
  // On a machine that has no time a call may reach its target too late to tell anything.
  while (statuses.at(-1) !== 200 && statuses.length < 20) statuses.push(...(await ask(gateway, 1)));
  expect(statuses.at(-1)).toBe(200);
  expect(statuses.length).toBeGreaterThan(5);
  expect(new Set(statuses.slice(0, -1))).toEqual(new Set([504]));
});

/** How the gateway sees the first provider's model. */
function healthOfFirst(gateway: TestGateway) {
  const { health } = gateway.kept.books;
  return health.healthOf(gateway.plan.models.get("alone")!.targets[0]!, false);
}

describe("a provider's keys", () => {
  test("that fail are passed over while others do not, and are used again when they have recovered", async () => {
    const asked: string[] = [];
    let is_broken = true;
    const upstream = await room.upstream((request, reply) => {
      const key = request.headers.get("authorization")!.replace("Bearer ", "");
      asked.push(key);
      return key === "k1" && is_broken ? failing(500)(request, reply) : ok(request, reply);
    });
    const gateway = room.gateway(
      `providers:\n  first: { kind: openai, base_url: "${upstream.base_url}", api_keys: [k1, k2], breaker: { share: 1, rest_s: 0.1, max_rest_s: 0.1 } }\nmodels:\n  chat: { targets: [first/a], retries: { attempts: 1, backoff_ms: 1 } }\n`,
    );
    await ask(gateway, 20);
    const broken = asked.filter((key) => key === "k1").length;
    expect(broken).toBeGreaterThanOrEqual(5);
    asked.length = 0;
    is_broken = false;
    const { health } = gateway.kept.books;
    const provider = gateway.plan.providers.get("first")!;
    await until(() => health.ofKey(provider, provider.keys[0]!).look(provider.breaker) === "probe");
    await ask(gateway, 20);
    expect(asked.filter((key) => key === "k1").length).toBeGreaterThan(5);
  });
});

test("a provider that is asked whether it is there is passed over without a call having failed, and back by itself", async () => {
  let is_down = true;
  const first = await room.upstream((request, reply) =>
    is_down ? failing(503)(request, reply) : ok(request, reply),
  );
  const second = await room.upstream(ok);
  const gateway = room.gateway(
    `providers:\n  first: { kind: openai, base_url: "${first.base_url}", api_keys: [k], probe: { path: /models, interval_s: 1 }, breaker: { failures: 2, rest_s: 600, max_rest_s: 600 } }\n  second: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }\nmodels:\n  chat: { targets: [first/a, second/b] }\n`,
  );
  const target = gateway.plan.models.get("chat")!.targets[0]!;
  const { health } = gateway.kept.books;
  await until(() => health.healthOf(target, false).state === "open");
  expect(first.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    "GET /v1/models",
    "GET /v1/models",
  ]);
  await ask(gateway, 3);
  expect([first.requests.length, second.requests.length]).toEqual([2, 3]);
  is_down = false;
  await until(() => health.of(target).look(target.breaker) === "probe");
  await ask(gateway, 3);
  expect(second.requests).toHaveLength(3);
  expect(health.healthOf(target, false).state).toBe("slow_start");
});
