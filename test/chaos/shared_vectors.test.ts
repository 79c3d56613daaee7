// Two hosts that share their semantic cache: what one was asked answers what means the same on the other, for the same tenant alone.

import { afterEach, describe, expect, test } from "vitest";
import { readPostgresAddress } from "../../src/config/postgres_address.ts";
import { Database } from "../../src/postgres/database.ts";
import { PostgresServer, postgres_missing } from "../postgres/server.ts";
import { type RedisServer, SERVER, startRedis } from "../redis_server.ts";
import { chatCompletion, startUpstream } from "../scripted_upstream.ts";
import { chat, Venturi } from "./harness.ts";

const server = postgres_missing === null && SERVER !== null ? await PostgresServer.start() : null;

/** Why it cannot be tested here; null if it can. */
async function whatIsMissing(): Promise<string | null> {
  if (server === null) return postgres_missing ?? "neither valkey-server nor redis-server is installed";
  const address = readPostgresAddress(server.url("none"));
  if ("fault" in address) return address.fault;
  const db = new Database(address);
  const [found] = await db.ask("SELECT 1 AS n FROM pg_available_extensions WHERE name = 'vector'");
  await db.close();
  return found === undefined ? "pgvector is not installed" : null;
}

const missing = await whatIsMissing();
if (missing !== null) {
  console.warn(`${missing}: hosts that share a semantic cache are not tested`);
  await server?.stop();
}

describe.skipIf(missing !== null)("hosts that share a semantic cache", () => {
  const hosts: Venturi[] = [];
  let redis: RedisServer | null = null;
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.end()));
    await redis?.stop();
    await server?.stop();
  });

  test("answer what means the same as what another was asked, to the same tenant alone", {
    timeout: 120_000,
  }, async () => {
    redis = await startRedis();
    let asked = 0;
    const upstream = await startUpstream((_, reply) => {
      asked += 1;
      return reply.json(200, chatCompletion(`answer ${asked}`));
    });
    const config = `listen: { workers: 1 }
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] } }
models: { chat: { targets: [up/m], cache: { exact: { ttl_s: 600 }, semantic: { threshold: 0.85 } } } }
keys:
  - { name: a, key: sk-a, tenant: acme }
  - { name: b, key: sk-b, tenant: bcme }
cache: { semantic: { budget_ms: 2000 } }
state: { url: "valkey://127.0.0.1:${redis.port}", secret: a-secret-of-all-hosts }
vectors: "${server!.url("vectors")}"
`;
    for (let count = 0; count < 2; count++) hosts.push(await new Venturi({ config }).ready());
    const [first, second] = hosts as [Venturi, Venturi];
    const ask = async (host: Venturi, key: string, text: string, cache: string | null = null) => {
      const response = await fetch(`${host.url}/v1/chat/completions`, {
        ...{ method: "POST", body: chat("chat", text) },
        headers: { authorization: `Bearer ${key}`, ...(cache === null ? {} : { "x-venturi-cache": cache }) },
      });
      const { choices } = (await response.json()) as { choices?: { message: { content: string } }[] };
      return [response.headers.get("x-venturi-cache"), choices?.[0]?.message.content];
    };
    const similar = "please tell me how do i reset my password";
    let given: unknown[] = [];
    // What is remembered while the inference process still starts is forgotten: it is asked anew until one is there.
    for (let tries = 0; tries < 60 && given[0] !== "semantic"; tries++) {
      const [, answer] = await ask(first, "sk-a", "How do I reset my password?", "refresh");
      expect(answer).toBe(`answer ${asked}`);
      for (let looks = 0; looks < 20 && given[0] !== "semantic"; looks++) {
        given = await ask(second, "sk-a", similar, "only");
        await Bun.sleep(20);
      }
    }
    expect(given).toEqual(["semantic", `answer ${asked}`]);
    // Another tenant's is never given, however alike.
    const before = asked;
    expect(await ask(second, "sk-b", similar)).toEqual(["miss", `answer ${before + 1}`]);
    await upstream.stop();
  });
});
