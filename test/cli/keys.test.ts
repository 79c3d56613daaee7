// Stored keys as a person has them: the commands, with and without a gateway that runs, and calls with what they gave.

import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { makeFolder } from "../access/records.ts";
import { chat, type RunOptions, Venturi } from "../chaos/harness.ts";
import { Connection } from "../chaos/load_client.ts";
import { connectionsOf } from "../chaos/processes.ts";
import { type Ran, venturi } from "./command.ts";

const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function ownFolder(): string {
  const folder = makeFolder();
  endings.push(folder.remove);
  return folder.path;
}

async function start(options: RunOptions = {}): Promise<Venturi> {
  const gateway = new Venturi(options);
  endings.push(() => gateway.end());
  return gateway.ready();
}

/** What a call with a key is answered. */
async function statusOf(url: string, key: string | null, model = "sim/echo"): Promise<number> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    body: chat(model),
    keepalive: false,
  });
  await response.body?.cancel();
  return response.status;
}

/** Connections to every gateway process. */
async function connectEverywhere(gateway: Venturi): Promise<Connection[]> {
  const connections: Connection[] = [];
  endings.push(() => connections.map((connection) => connection.close()));
  const reached = () =>
    gateway.gateways.every((pid) => connectionsOf(pid).some(({ local_port }) => local_port === gateway.port));
  for (let count = 0; count < 100 && !reached(); count++) {
    const connection = await Connection.open(gateway.port);
    if (typeof connection === "string") throw new Error(connection);
    await connection.call("/health/live", "");
    connections.push(connection);
  }
  expect(reached()).toBe(true);
  return connections;
}

async function statusesEverywhere(connections: readonly Connection[], key: string): Promise<Set<number>> {
  const statuses = new Set<number>();
  for (const connection of connections) {
    const headers = { authorization: `Bearer ${key}` };
    const outcome = await connection.call("/v1/chat/completions", chat("sim/echo"), headers);
    statuses.add(outcome.kind === "answered" ? outcome.status : 0);
  }
  return statuses;
}

function secretOf({ code, stdout, stderr }: Ran): string {
  expect(stderr).not.toContain("failed");
  expect(code).toBe(0);
  expect(stdout).toMatch(/^vk-[A-Za-z0-9_-]{43}\n$/);
  return stdout.trim();
}

describe("with a gateway of two processes", () => {
  test("a key is in force in both of them as soon as the command is over, and so is its end", async () => {
    const gateway = await start({ args: ["--workers", "2"] });
    const connections = await connectEverywhere(gateway);
    expect(await statusesEverywhere(connections, "any")).toEqual(new Set([200]));
    const created = await venturi(gateway.folder, "keys", "create", "--name", "till", "--models", "sim/e*");
    const secret = secretOf(created);
    expect(created.stderr).toContain("from now on every client needs a key");
    expect(await statusesEverywhere(connections, secret)).toEqual(new Set([200]));
    expect(await statusesEverywhere(connections, "any")).toEqual(new Set([401]));
    expect(await statusOf(gateway.url, null)).toBe(401);
    expect(await statusOf(gateway.url, secret, "sim/lorem")).toBe(403);

    const rotated = await venturi(gateway.folder, "keys", "rotate", "till", "--overlap", "1h");
    const next = secretOf(rotated);
    for (const each of [secret, next])
      expect(await statusesEverywhere(connections, each)).toEqual(new Set([200]));
    // An overlap of nothing ends all those before.
    const last = secretOf(await venturi(gateway.folder, "keys", "rotate", "till", "--overlap", "0s"));
    for (const each of [secret, next])
      expect(await statusesEverywhere(connections, each)).toEqual(new Set([401]));
    expect(await statusesEverywhere(connections, last)).toEqual(new Set([200]));

    const revoked = await venturi(gateway.folder, "keys", "revoke", "till");
    expect(revoked).toMatchObject({ code: 0, stdout: "" });
    expect(await statusesEverywhere(connections, last)).toEqual(new Set([401]));
    const verified = await venturi(gateway.folder, "audit", "verify");
    expect(verified).toMatchObject({ code: 0, stdout: "intact: 4 entries\n" });
  });

  test("a change is in force in every process in the moment in which it is answered", async () => {
    const gateway = await start({ args: ["--workers", "2"] });
    const connections = await connectEverywhere(gateway);
    const unix = join(gateway.folder, "data", "admin.sock");
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(`http://admin/admin/v1/${path}`, {
        method,
        unix,
        body: JSON.stringify(body ?? {}),
      });
      return (await response.json()) as { readonly key: string; readonly state: string };
    };
    for (let round = 0; round < 25; round++) {
      const { key } = await ask("POST", "keys", { name: `key ${round}` });
      expect(await statusesEverywhere(connections, key)).toEqual(new Set([200]));
      expect((await ask("DELETE", `keys/key%20${round}`)).state).toBe("revoked");
      expect(await statusesEverywhere(connections, key)).toEqual(new Set([401]));
    }
    expect((await venturi(gateway.folder, "audit", "verify")).stdout).toBe("intact: 50 entries\n");
  });

  test("a key's counts go on through a rotation and a change of its limits", async () => {
    const gateway = await start({ args: ["--workers", "2"] });
    const { folder, url } = gateway;
    const statuses = async (key: string, count: number) => {
      const all: number[] = [];
      for (let call = 0; call < count; call++) all.push(await statusOf(url, key));
      return all;
    };
    const first = secretOf(await venturi(folder, "keys", "create", "--name", "a", "--rpm", "3"));
    expect(await statuses(first, 4)).toEqual([200, 200, 200, 429]);
    const second = secretOf(await venturi(folder, "keys", "rotate", "a"));
    expect(await statuses(second, 1)).toEqual([429]);
    const unix = join(folder, "data", "admin.sock");
    const body = JSON.stringify({ limits: { rpm: 5 } });
    await fetch("http://admin/admin/v1/keys/a", { method: "PATCH", unix, body });
    expect([...(await statuses(first, 1)), ...(await statuses(second, 2))]).toEqual([200, 200, 429]);
  });

  test("a key expires by itself", async () => {
    const gateway = await start({ args: ["--workers", "2"] });
    const folder = gateway.folder;
    const secret = secretOf(await venturi(folder, "keys", "create", "--name", "brief", "--expires", "2s"));
    expect(await statusOf(gateway.url, secret)).toBe(200);
    const expires = Date.parse(
      JSON.parse((await venturi(folder, "keys", "list", "--format", "json")).stdout)[0].expires,
    );
    await gateway.until(() => Date.now() >= expires, "end of the key's time");
    expect(await statusOf(gateway.url, secret)).toBe(401);
    expect((await venturi(folder, "keys", "list")).stdout).toMatch(/brief .* expired/);
  });

  test("keys outlive a restart, and a gateway that has them asks for one from its first call on", async () => {
    const first = await start();
    const secret = secretOf(await venturi(first.folder, "keys", "create", "--name", "till"));
    first.kill("SIGTERM");
    await first.exited;
    expect(existsSync(join(first.folder, "data", "admin.sock"))).toBe(false);
    const second = await start({ args: ["--data", join(first.folder, "data")] });
    expect(await statusOf(second.url, secret)).toBe(200);
    expect(await statusOf(second.url, null)).toBe(401);
  });

  test("no secret is in the data folder or in what the gateway says", async () => {
    const gateway = await start({ args: ["--workers", "2"] });
    const { folder } = gateway;
    const secrets = [
      secretOf(await venturi(folder, "keys", "create", "--name", "a")),
      secretOf(await venturi(folder, "keys", "rotate", "a")),
    ];
    for (const secret of secrets) expect(await statusOf(gateway.url, secret)).toBe(200);
    await statusOf(gateway.url, `${secrets[0]}x`);
    expect((await venturi(folder, "usage", "--by", "key", "--flush")).stdout).toContain("a");
    const audit = await venturi(folder, "audit");
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(4);
    const said = [...files.map((path) => readFileSync(path)), Buffer.from(gateway.lines.join("\n"))];
    for (const secret of secrets) {
      for (const bytes of [...said, Buffer.from(audit.stdout)]) {
        expect(bytes.includes(secret.slice(3))).toBe(false);
        expect(bytes.includes(Buffer.from(secret.slice(3), "base64url"))).toBe(false);
      }
    }
  });
});

describe("without a gateway", () => {
  test("the commands do the same by themselves", async () => {
    const folder = ownFolder();
    expect(await venturi(folder, "keys", "list")).toMatchObject({ code: 1, stdout: "" });
    expect(existsSync(join(folder, "data"))).toBe(false);
    const limits = ["--rpm", "600", "--tpm", "9000", "--concurrency", "4", "--usd-per-day", "2.5"];
    const who = ["--tenant", "acme", "--team", "shop", "--tier", "paid", "--models", "chat, openai/*"];
    secretOf(
      await venturi(folder, "keys", "create", "--name", "till", ...who, ...limits, "--expires", "2099-01-31"),
    );
    const listed = await venturi(folder, "keys", "list", "--format", "json");
    expect(JSON.parse(listed.stdout)).toMatchObject([
      {
        ...{ name: "till", tenant: "acme", team: "shop", tier: "paid", models: ["chat", "openai/*"] },
        limits: { rpm: 600, tpm: 9000, concurrency: 4, usd_per_day: 2.5 },
        ...{ state: "active", expires: "2099-01-31T00:00:00.000Z" },
      },
    ]);
    const table = await venturi(folder, "keys", "list");
    expect(table.stdout).toMatch(/^name +id +tenant +team +tier +models +limits +created +expires +state/);
    expect(table.stdout).toMatch(
      /till +key_\w+ +acme +shop +paid +chat openai\/\* +600 rpm, 9000 tpm, 4 concurrency, \$2.5\/day/,
    );
    expect(await venturi(folder, "keys", "revoke", "nobody")).toMatchObject({ code: 1, stdout: "" });
    expect((await venturi(folder, "keys", "revoke", "till")).code).toBe(0);
    expect((await venturi(folder, "audit")).stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^\S+ {2}key\.create {2}key_\w+ {2}by command uid \d+ {2}\{"name":"till"/),
      expect.stringMatching(/^\S+ {2}key\.revoke {2}key_\w+ {2}by command uid \d+ {2}\{"name":"till"\}$/),
    ]);
    expect((await venturi(folder, "audit", "verify")).stdout).toBe("intact: 2 entries\n");
  });

  test("two at once lose nothing", async () => {
    const folder = ownFolder();
    const names = ["a", "b", "c", "d"];
    const created = await Promise.all(names.map((name) => venturi(folder, "keys", "create", "--name", name)));
    expect(new Set(created.map(secretOf)).size).toBe(4);
    const listed = JSON.parse((await venturi(folder, "keys", "list", "--format", "json")).stdout);
    expect(listed.map(({ name }: { name: string }) => name).toSorted()).toEqual(names);
    expect((await venturi(folder, "audit", "verify")).stdout).toBe("intact: 4 entries\n");
  });

  test("the folder is the one that the flag or the configuration names, whatever else that refers to", async () => {
    const folder = ownFolder();
    writeFileSync(join(folder, "venturi.yaml"), `data: ./store\nadmin: { token: env.NOT_SET_HERE }\n`);
    secretOf(await venturi(folder, "keys", "create", "--name", "a"));
    secretOf(await venturi(folder, "keys", "create", "--name", "a", "--data", "other"));
    expect(readdirSync(folder).toSorted()).toEqual(["other", "store", "venturi.yaml"]);
    writeFileSync(join(folder, "venturi.yaml"), `data: env.NOT_SET_HERE\n`);
    const lost = await venturi(folder, "keys", "list");
    expect(lost).toMatchObject({ code: 1, stderr: expect.stringContaining("NOT_SET_HERE is not set") });
  });

  test("a tampered log is told by the command, with its line", async () => {
    const folder = ownFolder();
    for (const name of ["a", "b", "c"]) secretOf(await venturi(folder, "keys", "create", "--name", name));
    const path = join(folder, "data", "audit.ndjson");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"name":"b"', '"name":"x"'));
    const { code, stderr } = await venturi(folder, "audit", "verify");
    expect(code).toBe(1);
    expect(stderr).toBe("data/audit.ndjson:2: this line is no entry as it was written\n");
    writeFileSync(path, text.split("\n").slice(0, 2).join("\n").concat("\n"));
    expect((await venturi(folder, "audit", "verify")).stderr).toContain("the end is missing: entry 3");
  });

  test.each([
    [["keys"], "say what to do"],
    [["keys", "make"], 'there is no "make"'],
    [["keys", "create"], "--name is needed"],
    [["keys", "create", "--name", "a", "--rpm", "lots"], '--rpm must be a number, not "lots"'],
    [["keys", "create", "--name", "a", "--models", "a,,b"], "--models must be"],
    [["keys", "create", "--name", "a", "--rps", "5"], "--rps"],
    [["keys", "revoke"], "name one key"],
    [["keys", "rotate", "a", "b"], "name one key"],
    [["audit", "check"], 'what is "check"?'],
    [["audit", "--since", "soon"], "--since must be a time"],
  ])("%j is misuse", async (args, message) => {
    const { code, stdout, stderr } = await venturi(ownFolder(), ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain("usage: venturi");
  });

  test("what the API refuses is said in its words", async () => {
    const folder = ownFolder();
    const { code, stderr } = await venturi(
      folder,
      "keys",
      "create",
      "--name",
      "a",
      "--expires",
      "2020-01-01",
    );
    expect([code, stderr]).toEqual([
      1,
      "venturi keys: 'expires' is over already; to end a key now, revoke it.\n",
    ]);
  });
});
