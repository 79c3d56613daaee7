// What happens to calls whose provider may not be asked now: another target, a place in the queue, or a word on when to come again.

import { describe, expect, test } from "vitest";
import { chatCompletion, type Reply, type ScriptedUpstream, type SeenRequest } from "../scripted_upstream.ts";
import { errorOf, rig, type TestGateway, until } from "./harness.ts";

const room = rig();

/** An upstream that keeps its answers until they are let go, and knows how many it had at most at once. */
class Holding {
  readonly asked: SeenRequest[] = [];
  most = 0;
  readonly #held: (() => void)[] = [];
  #at_once = 0;

  readonly script = async (request: SeenRequest, reply: Reply): Promise<void> => {
    this.asked.push(request);
    this.#at_once += 1;
    this.most = Math.max(this.most, this.#at_once);
    await Promise.race([new Promise<void>((resolve) => this.#held.push(resolve)), request.aborted]);
    this.#at_once -= 1;
    await reply.json(200, chatCompletion("hello"));
  };

  get held(): number {
    return this.#at_once;
  }

  /** Lets the answers that are held longest go. */
  let(count = 1): void {
    for (const go of this.#held.splice(0, count)) go();
  }

  /** What was asked for, in the order of asking: the last message's text. */
  texts(): string[] {
    return this.asked.map((request) => {
      const { messages } = request.json() as { messages: { content: string }[] };
      return messages.at(-1)!.content;
    });
  }
}

const config = (upstream: ScriptedUpstream, rest: string, more = ""): string => `
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none]${rest} }
models:
  chat: { targets: [up/a], retries: { attempts: 0 } }
${more}`;

const KEYS = `tiers: { paid: { weight: 8 }, free: { weight: 1 } }
keys:
  - { name: paid, key: paid-key, tenant: acme, tier: paid }
  - { name: free, key: free-key, tenant: trial, tier: free }
`;

const say = (gateway: TestGateway, text: string, key?: string, init: RequestInit = {}) =>
  gateway.chat(
    { messages: [{ role: "user", content: text }] },
    { ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }), ...init },
  );

/** How many wait for the provider, by the gateway's own word. */
async function waiting(gateway: TestGateway): Promise<number> {
  const text = await (await gateway.fetch("/metrics")).text();
  const lines = text.split("\n").filter((line) => line.startsWith("venturi_queue_length{"));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function untilWaiting(gateway: TestGateway, count: number): Promise<void> {
  const end_ms = performance.now() + 5_000;
  while ((await waiting(gateway)) !== count) {
    if (performance.now() > end_ms) throw new Error(`${await waiting(gateway)} wait, not ${count}`);
    await Bun.sleep(1);
  }
}

describe("calls over a provider's places", () => {
  test("wait in turn, are told how long, and never more than its places are asked at once", async () => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, ", limits: { concurrency: 2 }"));
    const calls = ["1", "2", "3", "4", "5"].map(async (text, index) => {
      await until(() => gateway.gateway.calls.size >= index);
      return say(gateway, text);
    });
    await untilWaiting(gateway, 3);
    expect(holding.asked.length).toBe(2);
    for (let asked = 3; asked <= 5; asked++) {
      holding.let(1);
      await until(() => holding.asked.length === asked);
    }
    holding.let(2);
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(holding.most).toBe(2);
    expect(holding.texts().slice(2).sort()).toEqual(["3", "4", "5"]);
    const queued = answers.filter(({ headers }) => headers.get("server-timing")!.includes("queue;dur="));
    expect(queued.length).toBe(3);
    await gateway.idle();
    const rows = gateway.kept.rows().filter(({ timings_us }) => (timings_us.queue ?? 0) > 0);
    expect(rows.length).toBe(3);
    // The time in the queue is the provider's, not the gateway's.
    for (const { timings_us } of rows)
      expect(timings_us.overhead!).toBeLessThan(timings_us.total! / 2 + 20_000);
    const text = await (await gateway.fetch("/metrics")).text();
    expect(text).toContain('venturi_queue_wait_seconds_count{provider="up",model="a"} 3');
    expect(await waiting(gateway)).toBe(0);
  });

  test("go by weight, whoever came first", async () => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, ", limits: { concurrency: 1 }", KEYS));
    const calls = [say(gateway, "first", "free-key")];
    await until(() => holding.held === 1);
    for (let number = 0; number < 4; number++) {
      calls.push(say(gateway, "free", "free-key"));
      await untilWaiting(gateway, calls.length - 1);
    }
    for (let number = 0; number < 8; number++) {
      calls.push(say(gateway, "paid", "paid-key"));
      await untilWaiting(gateway, calls.length - 1);
    }
    for (let asked = 2; asked <= calls.length; asked++) {
      holding.let();
      await until(() => holding.asked.length === asked);
    }
    holding.let();
    await Promise.all(calls);
    const order = holding.texts().slice(1);
    expect(order.slice(0, 9).filter((text) => text === "paid").length).toBeGreaterThanOrEqual(7);
    expect(order.filter((text) => text === "paid").length).toBe(8);
  });

  test("go to another target of the model, where there is one", async () => {
    const holding = new Holding();
    const first = await room.upstream(holding.script);
    const second = await room.upstream((_, reply) => reply.json(200, chatCompletion("second")));
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${first.base_url}", api_keys: [none], limits: { concurrency: 1 } }
  other: { kind: openai, base_url: "${second.base_url}", api_keys: [none] }
models:
  chat: { targets: [up/a, other/b] }
`);
    const held = say(gateway, "held");
    await until(() => holding.held === 1);
    const answer = await say(gateway, "next");
    expect(answer.headers.get("x-venturi-provider")).toBe("other");
    expect(answer.headers.get("server-timing")).not.toContain("queue");
    holding.let();
    expect((await held).status).toBe(200);
  });

  test("wait for whichever of several providers has a place first", async () => {
    const one = new Holding();
    const two = new Holding();
    const first = await room.upstream(one.script);
    const second = await room.upstream(two.script);
    const gateway = room.gateway(`
providers:
  one: { kind: openai, base_url: "${first.base_url}", api_keys: [none], limits: { concurrency: 1 } }
  two: { kind: openai, base_url: "${second.base_url}", api_keys: [none], limits: { concurrency: 1 } }
models:
  chat: { targets: [one/a, two/b] }
`);
    const held = [say(gateway, "1"), say(gateway, "2")];
    await until(() => one.held === 1 && two.held === 1);
    const third = say(gateway, "3");
    await untilWaiting(gateway, 2);
    two.let();
    await until(() => two.asked.length === 2);
    expect(await waiting(gateway)).toBe(0);
    one.let();
    two.let();
    expect((await third).headers.get("x-venturi-provider")).toBe("two");
    await Promise.all(held);
  });

  test("are refused at once where nobody may wait", async () => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, ", limits: { concurrency: 1 }, queue: off"));
    const held = say(gateway, "held");
    await until(() => holding.held === 1);
    const refused = await say(gateway, "next");
    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(errorOf(await refused.text())).toMatchObject({
      type: "rate_limit_error",
      code: "rate_limit_exceeded",
    });
    holding.let();
    await held;
  });

  test("push out who came last of those who have most, where the queue is full", async () => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, ", limits: { concurrency: 1 }, queue: { max: 2 }", KEYS));
    const held = say(gateway, "held", "free-key");
    await until(() => holding.held === 1);
    const free = say(gateway, "free", "free-key");
    await untilWaiting(gateway, 1);
    const pushed = say(gateway, "pushed", "free-key");
    await untilWaiting(gateway, 2);
    const over = await say(gateway, "over", "free-key");
    expect(over.status).toBe(429);
    expect(Number(over.headers.get("retry-after"))).toBeGreaterThan(0);
    const paid = say(gateway, "paid", "paid-key");
    expect((await pushed).status).toBe(429);
    holding.let();
    await until(() => holding.asked.length === 2);
    holding.let();
    await until(() => holding.asked.length === 3);
    holding.let();
    expect((await paid).status).toBe(200);
    expect((await free).status).toBe(200);
    expect((await held).status).toBe(200);
    expect(holding.texts()).toEqual(["held", "paid", "free"]);
    const text = await (await gateway.fetch("/metrics")).text();
    expect(text).toContain('venturi_queue_rejected_total{provider="up",model="a",reason="full"} 2');
  });

  test("that a window holds back for longer than they may wait are told when to come again", async () => {
    const upstream = await room.upstream((_, reply) => reply.json(200, chatCompletion("hello")));
    const gateway = room.gateway(config(upstream, ", limits: { rpm: 1 }"));
    expect((await say(gateway, "1")).status).toBe(200);
    const began_ms = performance.now();
    const refused = await say(gateway, "2");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    expect(performance.now() - began_ms).toBeLessThan(5_000);
    expect(upstream.requests.length).toBe(1);
  });
});

describe("a call that waits", () => {
  const saturated = async (more = "") => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, `, limits: { concurrency: 1 }${more}`));
    const held = say(gateway, "held");
    await until(() => holding.held === 1);
    return { holding, gateway, held };
  };

  test("leaves with its client", async () => {
    const { holding, gateway, held } = await saturated();
    const leaving = new AbortController();
    const gone = say(gateway, "gone", undefined, { signal: leaving.signal });
    await untilWaiting(gateway, 1);
    leaving.abort();
    await expect(gone).rejects.toThrow();
    await untilWaiting(gateway, 0);
    holding.let();
    await held;
    await gateway.idle();
    expect(holding.texts()).toEqual(["held"]);
    expect(gateway.kept.rows()[0]).toMatchObject({ status: 499, error: "client_closed" });
  });

  test("ends with its deadline, and with the longest wait", async () => {
    const { holding, gateway, held } = await saturated(", queue: { max_wait_ms: 150 }");
    const late = await say(gateway, "late", undefined, { headers: { "x-venturi-deadline-ms": "60" } });
    expect(late.status).toBe(504);
    const overdue = await say(gateway, "overdue");
    expect(overdue.status).toBe(429);
    expect(overdue.headers.get("retry-after")).not.toBeNull();
    holding.let();
    expect((await held).status).toBe(200);
    expect(holding.texts()).toEqual(["held"]);
  });

  test("is told to go elsewhere by a gateway that stops", async () => {
    const { holding, gateway, held } = await saturated();
    const waits = say(gateway, "waits");
    await untilWaiting(gateway, 1);
    const stopped = gateway.gateway.stop(5_000);
    const told = await waits;
    expect(told.status).toBe(503);
    expect(told.headers.get("retry-after")).toBe("1");
    holding.let();
    expect((await held).status).toBe(200);
    await stopped;
  });
});

describe("what a provider tells of its limits", () => {
  const telling =
    (remaining: (key: string) => number, limit = 10) =>
    async (request: SeenRequest, reply: Reply) => {
      const key = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
      await reply.json(200, chatCompletion("hello"), {
        "x-ratelimit-limit-requests": String(limit),
        "x-ratelimit-remaining-requests": String(remaining(key)),
        "x-ratelimit-reset-requests": "50s",
      });
    };

  test("is kept to: nothing is sent that it would refuse", async () => {
    const upstream = await room.upstream(telling(() => 1));
    const gateway = room.gateway(config(upstream, ""));
    // The first answer says that one is left.
    expect((await say(gateway, "1")).status).toBe(200);
    upstream.use(telling(() => 0));
    expect((await say(gateway, "2")).status).toBe(200);
    const refused = await say(gateway, "3");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(45);
    expect(upstream.requests.length).toBe(2);
  });

  test("decides which key is asked: the one that has most left", async () => {
    const left: Record<string, number> = { k1: 9, k2: 5, k3: 2 };
    const upstream = await room.upstream(telling((key) => --left[key]!));
    const gateway = room.gateway(config(upstream, "").replace("api_keys: [none]", "api_keys: [k1, k2, k3]"));
    // Each is asked once, and then by what is left.
    for (let number = 0; number < 14; number++) expect((await say(gateway, "x")).status).toBe(200);
    expect(Object.values(left).every((one) => one >= 0)).toBe(true);
    const asked = upstream.requests.map(({ headers }) => headers.get("authorization")!.slice(-2));
    expect(asked.slice(3, 6)).toEqual(["k1", "k1", "k1"]);
    const spread = Object.values(left).sort((a, b) => a - b);
    expect(spread[2]! - spread[0]!).toBeLessThanOrEqual(1);
  });

  test("lets a key rest until its reset, and no longer", async () => {
    const upstream = await room.upstream((_, reply) =>
      reply.json(200, chatCompletion("hello"), {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "300ms",
      }),
    );
    const gateway = room.gateway(config(upstream, ""));
    await say(gateway, "1");
    const began_ms = performance.now();
    expect((await say(gateway, "2")).status).toBe(200);
    expect(performance.now() - began_ms).toBeGreaterThan(200);
  });
});

describe("what never fits", () => {
  test("is refused, and not looked at for ever, while others wait for a place", async () => {
    const holding = new Holding();
    const upstream = await room.upstream(holding.script);
    const gateway = room.gateway(config(upstream, ", limits: { concurrency: 1, tpm: 1000 }"));
    const held = say(gateway, "held");
    await until(() => holding.held === 1);
    const waits = say(gateway, "waits");
    await untilWaiting(gateway, 1);
    const large = gateway.chat({ max_tokens: 5_000 });
    await until(() => gateway.gateway.calls.size === 3);
    holding.let();
    await until(() => holding.asked.length === 2);
    holding.let();
    expect((await large).status).toBe(429);
    expect([(await held).status, (await waits).status]).toEqual([200, 200]);
    expect(await waiting(gateway)).toBe(0);
  });

  test("a shadow takes no place in a queue", async () => {
    const holding = new Holding();
    const busy = await room.upstream(holding.script);
    const upstream = await room.upstream((_, reply) => reply.json(200, chatCompletion("hello")));
    const gateway = room.gateway(`
providers:
  up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none] }
  busy: { kind: openai, base_url: "${busy.base_url}", api_keys: [none], limits: { concurrency: 1 } }
models:
  chat: { targets: [up/a], shadow: { model: candidate, share: 1 } }
  candidate: { targets: [busy/b] }
`);
    const held = gateway.chat({ model: "candidate" });
    await until(() => holding.held === 1);
    expect((await say(gateway, "real")).status).toBe(200);
    await until(() => gateway.counted("attempts", "ok") >= 1);
    expect(await waiting(gateway)).toBe(0);
    holding.let();
    expect((await held).status).toBe(200);
    expect(holding.asked.length).toBe(1);
  });
});

describe("a model that its provider wants to rest", () => {
  const resting = async () => {
    const upstream = await room.upstream((request, reply) => {
      const { model } = request.json() as { model: string };
      if (model === "b") return reply.json(200, chatCompletion("b"));
      return reply.json(429, { error: { message: "slow down" } }, { "retry-after": "20" });
    });
    const gateway = room.gateway(`
providers: { up: { kind: openai, base_url: "${upstream.base_url}", api_keys: [none], limits: { concurrency: 5 } } }
models:
  chat: { targets: [up/a] }
  other: { targets: [up/b] }
`);
    return { upstream, gateway };
  };

  test("keeps no other model of it from being asked while its calls wait", async () => {
    const { upstream, gateway } = await resting();
    const leaving = new AbortController();
    const waits = say(gateway, "waits", undefined, { signal: leaving.signal });
    await untilWaiting(gateway, 1);
    const other = await gateway.chat({ model: "other" });
    expect(other.status).toBe(200);
    expect(other.headers.get("server-timing")).not.toContain("queue");
    leaving.abort();
    await expect(waits).rejects.toThrow();
    await untilWaiting(gateway, 0);
    expect(upstream.requests.length).toBe(2);
  });

  test("is told at once of to whoever has less time than that, in the provider's own words", async () => {
    const { upstream, gateway } = await resting();
    const began_ms = performance.now();
    const told = await say(gateway, "late", undefined, { headers: { "x-venturi-deadline-ms": "8000" } });
    expect(told.status).toBe(429);
    expect(told.headers.get("retry-after")).toBe("20");
    expect(await told.text()).toContain("slow down");
    expect(performance.now() - began_ms).toBeLessThan(5_000);
    // Whoever comes then need not ask to know it.
    const next = await say(gateway, "late", undefined, { headers: { "x-venturi-deadline-ms": "8000" } });
    expect(next.status).toBe(429);
    expect(Number(next.headers.get("retry-after"))).toBeGreaterThan(10);
    expect(upstream.requests.length).toBe(1);
  });
});
