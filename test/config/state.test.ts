import { describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { readStateAddress, shownAddress } from "../../src/config/state_address.ts";
import { maskedConfig } from "../../src/console/masked_config.ts";

const load = (yaml: string) => parseConfig(Buffer.from(yaml), "venturi.yaml", { env: { PASS: "geheim" } });

function problemsOf(yaml: string): string[] {
  const result = load(yaml);
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

describe("addresses of shared state", () => {
  test.each([
    ["valkey://h", { kind: "single", tls: false, nodes: [{ host: "h", port: 6379 }], database: 0 }],
    ["rediss://u:p%40w@h:1/3", { tls: true, user: "u", password: "p@w", database: 3 }],
    ["redis://:pass@[::1]:7", { user: null, password: "pass", nodes: [{ host: "::1", port: 7 }] }],
    ["valkey://pass@h", { user: null, password: "pass" }],
    [
      "valkeys+cluster://a:1,b",
      {
        kind: "cluster",
        tls: true,
        nodes: [
          { host: "a", port: 1 },
          { host: "b", port: 6379 },
        ],
      },
    ],
    [
      "redis+sentinel://a,b:2/mymaster/4",
      {
        kind: "sentinel",
        group: "mymaster",
        database: 4,
        nodes: [
          { host: "a", port: 26379 },
          { host: "b", port: 2 },
        ],
      },
    ],
  ])("%s is read", (text, expected) => {
    expect(readStateAddress(text)).toMatchObject(expected);
  });

  test.each([
    ["valkey://", "is not an address"],
    ["valkey://a,b", "names several hosts"],
    ["valkey://a:0", "names a host that cannot be one"],
    ["valkey://a:99999", "names a host that cannot be one"],
    ["valkey://a b", "names a host that cannot be one"],
    ["valkey://u:%zz@a", "percent"],
    ["valkey://a/x", "no number of a database"],
    ["valkey://a/1/2", "no number of a database"],
    ["valkey+cluster://a/1", "clusters have none"],
    ["valkey+sentinel://a", "needs the name of the group"],
    ["https://a", "is not an address"],
  ])("%s is refused, without a password in the message", (text, message) => {
    const read = readStateAddress(text);
    const fault = "fault" in read ? read.fault : "";
    expect(fault).toContain(message === "percent" ? "%25" : message);
    expect(fault).not.toContain("zz");
  });

  test("what is shown of an address has nobody's password in it", () => {
    const read = readStateAddress("valkeys+sentinel://me:geheim@a:1,[::2]/mymaster/3");
    if ("fault" in read) throw new Error(read.fault);
    expect(shownAddress(read)).toBe("valkeys+sentinel://a:1,[::2]:26379/mymaster/3");
  });
});

describe("state in a configuration", () => {
  test("an address alone and one in full compile into the same", () => {
    const [short, long] = [
      load("state: valkey://h\non_state_loss: reject\nstate_budget_ms: 9"),
      load("state: { url: valkey://h }\non_state_loss: reject\nstate_budget_ms: 9"),
    ].map((result) => (result.ok ? result.plan.state : null));
    expect(short).toMatchObject({ shown: "valkey://h:6379", on_loss: "reject", budget_ms: 9, secret: null });
    expect(short).toEqual(long);
  });

  test("without it there is none", () => {
    const result = load("data: ./data");
    expect(result.ok && result.plan.state).toBeNull();
  });

  test("what is wrong is said where it stands", () => {
    expect(problemsOf("state: valkey://a,b")).toEqual([expect.stringContaining("state names several hosts")]);
    expect(problemsOf("state: valkey://a\nstate_budget_ms: 0")).toHaveLength(1);
    expect(problemsOf("state: { url: valkey://a, tls: { ca: ./ca.pem } }")[0]).toContain("tls");
    expect(problemsOf("state: { url: valkey://a, sentinel_password: x }")[0]).toContain("has no effect");
    expect(problemsOf("state: { url: valkey://a, secret: short }")[0]).toContain("secret");
    const faults = problemsOf(`state: "valkey://u:\${PASS}@a/x"`);
    expect(faults[0]).toContain("no number of a database");
    expect(faults.join()).not.toContain("geheim");
  });

  test("who logs in is masked where the configuration is shown", () => {
    for (const yaml of [
      `state: "valkey://me:\${PASS}@a:1"`,
      `state: { url: "valkeys+sentinel://me:\${PASS}@a:1,b/m", secret: "\${PASS}\${PASS}\${PASS}", sentinel_password: "\${PASS}" }`,
    ]) {
      const result = load(yaml);
      if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join());
      const shown = JSON.stringify(maskedConfig(result.config));
      expect(shown).toContain("://***@a:1");
      expect(shown).not.toContain("geheim");
    }
  });
});
