// A database as its users find it: TLS that checks whom it speaks to, passwords that are never told, servers that hang or are gone.

import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPostgresAddress } from "../../src/config/postgres_address.ts";
import { Database } from "../../src/postgres/database.ts";
import { DatabaseFault, faultOf } from "../../src/postgres/fault.ts";
import { migrate, unreadable } from "../../src/postgres/migrate.ts";
import { PostgresServer, postgres_missing } from "./server.ts";

const missing = postgres_missing ?? (Bun.which("openssl") === null ? "openssl is not installed" : null);

let server: PostgresServer;
let folder: string;

function database(url: string, timeout_ms = 5_000): Database {
  const address = readPostgresAddress(url);
  if ("fault" in address) throw new Error(address.fault);
  return new Database(address, { timeout_ms });
}

/** What asking comes to: `ok`, or the fault. */
async function outcomeOf(db: Database): Promise<string> {
  try {
    await db.ask("SELECT 1 AS n");
    return "ok";
  } catch (error) {
    return error instanceof DatabaseFault ? error.message : "no fault of a database";
  } finally {
    await db.close();
  }
}

/** An authority, and a certificate of its that names a host. */
function certify(name: string, host: string): void {
  const run = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  run(
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", `/CN=${name}`],
    ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
  );
  run(
    ...["req", "-newkey", "rsa:2048", "-nodes", "-subj", `/CN=${host}`],
    ...["-keyout", `${name}-server.key`, "-out", `${name}-server.csr`],
  );
  writeFileSync(join(folder, "names"), `subjectAltName=${/^[\d.]+$/.test(host) ? "IP" : "DNS"}:${host}`);
  run(
    ...[
      "x509",
      "-req",
      "-days",
      "2",
      "-CA",
      `${name}.pem`,
      "-CAkey",
      `${name}.key`,
      "-CAcreateserial",
      "-extfile",
      "names",
    ],
    ...["-in", `${name}-server.csr`, "-out", `${name}-server.pem`],
  );
}

describe.skipIf(missing !== null)("a Postgres database", () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "venturi-tls-"));
    certify("ours", "127.0.0.1");
    certify("theirs", "127.0.0.1");
    server = await PostgresServer.start();
    const { uid, gid } = statSync(server.data);
    for (const [from, to] of [
      ["ours-server.pem", "server.crt"],
      ["ours-server.key", "server.key"],
    ] as const) {
      copyFileSync(join(folder, from), join(server.data, to));
      chownSync(join(server.data, to), uid, gid);
      chmodSync(join(server.data, to), 0o600);
    }
    await server.kill();
    await server.go(["ssl=on"]);
  }, 60_000);
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("is spoken to in TLS where that is wanted, and only by whoever it should be", async () => {
    const url = (more: string) => server.url("tls", more);
    const root = (name: string) => `&sslrootcert=${encodeURIComponent(join(folder, name))}`;
    const isEncrypted = async (more: string) => {
      const db = database(url(more));
      const [found] = await db.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
      await db.close();
      return found?.["ssl"];
    };
    expect(await isEncrypted("&sslmode=disable")).toBe(false);
    for (const more of ["", "&sslmode=require", root("ours.pem"), `&sslmode=verify-full${root("ours.pem")}`])
      expect([more, await isEncrypted(more)]).toEqual([more, true]);
    expect(await outcomeOf(database(url(root("theirs.pem"))))).not.toBe("ok");
    expect(await outcomeOf(database(url("&sslmode=verify-full")))).not.toBe("ok");
    // The certificate is of an address, not of this name.
    const by_name = url(root("ours.pem")).replace("127.0.0.1", "localhost");
    expect(await outcomeOf(database(by_name))).not.toBe("ok");
  });

  test("that does not know the password says so without it", async () => {
    const wrong = server.url("any").replace(/:[^:@]+@/, ":hush-hush@");
    const said = await outcomeOf(database(wrong));
    expect(said).toContain("password authentication failed");
    expect(said).not.toContain("hush");
  });

  test("that hangs is given up, with all that waits for it, and asked again when it goes on", {
    timeout: 30_000,
  }, async () => {
    const db = database(server.url("hangs"), 500);
    expect(await db.ask("SELECT 9007199254740993 AS n, ?::text AS t", "é")).toEqual([
      { n: 9007199254740993n, t: "é" },
    ]);
    server.pause();
    const waiting = await Promise.allSettled([
      db.ask("SELECT 1 AS n"),
      db.transact((tx) => tx.ask("SELECT 1 AS n")),
    ]);
    server.resume();
    expect(waiting.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    for (let tries = 0; tries < 50; tries++) {
      const found = await db.ask("SELECT 2 AS n").catch(() => null);
      if (found !== null) break;
    }
    expect(await db.ask("SELECT 3 AS n")).toEqual([{ n: 3 }]);
    await db.close();
    await expect(db.ask("SELECT 1 AS n")).rejects.toThrow("closed");
  });

  test.each(["begin", "commit"])(
    "that hangs at a transaction's %s is given up there too",
    {
      timeout: 30_000,
    },
    async (where) => {
      const db = database(server.url("hangs"), 500);
      expect(await db.ask("SELECT 1 AS n")).toEqual([{ n: 1 }]);
      if (where === "begin") server.pause();
      const transaction = db.transact(async (tx) => {
        await tx.ask("SELECT 1 AS n");
        server.pause();
      });
      const fault = await transaction.then(() => null, faultOf);
      server.resume();
      expect(fault?.message).toBe("no answer in 500 ms");
      await db.close();
    },
  );

  test("keeps nothing of a transaction that fails, and one lock at a time", async () => {
    const db = database(server.url("locks"));
    await migrate(db, "ledger", ["CREATE TABLE things (id integer PRIMARY KEY)"]);
    const failing = db.transact(async (tx) => {
      await tx.ask("INSERT INTO things VALUES (?)", 1);
      await tx.ask("INSERT INTO things VALUES (?)", 1);
    });
    const fault = await failing.then(() => null, faultOf);
    expect([fault?.code, fault?.is_of_data]).toEqual(["23505", true]);
    expect(await db.ask("SELECT * FROM things")).toEqual([]);
    const other = database(server.url("locks"));
    await db.transact(async (tx) => {
      await tx.lock("one");
      expect(await other.transact((theirs) => theirs.tryLock("one"))).toBe(false);
      expect(await other.transact((theirs) => theirs.tryLock("two"))).toBe(true);
    });
    expect(await other.transact((theirs) => theirs.tryLock("one"))).toBe(true);
    await Promise.all([db.close(), other.close()]);
  });

  test("is brought forward once, by many at once, and left alone where it is newer", async () => {
    const steps = ["CREATE TABLE a (n integer)", "ALTER TABLE a ADD COLUMN m integer"];
    const all = Array.from({ length: 6 }, () => database(server.url("steps")));
    expect(await unreadable(all[0]!, "keys", steps)).toContain("no such tables");
    await Promise.all(all.map((db) => migrate(db, "keys", steps)));
    expect(await unreadable(all[0]!, "keys", steps)).toBe(null);
    const broken = [...steps, "ALTER TABLE a ADD COLUMN l integer; SELECT nonsense"];
    await expect(migrate(all[0]!, "keys", broken)).rejects.toThrow();
    expect(
      await all[0]!.ask(
        "SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = 'steps' AND table_name = 'a'",
      ),
    ).toEqual([{ n: 2n }]);
    await expect(migrate(all[0]!, "keys", steps.slice(0, 1))).rejects.toThrow(
      "made by a newer version of Venturi (keys 2, this program knows 1)",
    );
    expect(await unreadable(all[0]!, "keys", steps.slice(0, 1))).toContain("newer version");
    expect(await unreadable(all[0]!, "keys", [...steps, "x"])).toContain("older version");
    await Promise.all(all.map((db) => db.close()));
  });
});
