// What the environment contributes: a whole configuration where there is no file, keys, addresses and proxies.

import { expect, test } from "vitest";
import { isLoopback, isProxyExempt } from "../../src/config/address.ts";
import { type LoadResult, zeroConfig } from "../../src/config/load.ts";
import type { Plan } from "../../src/config/plan.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { plan } from "./loading.ts";

const good = (result: LoadResult): Plan => {
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.plan;
};
const said = (result: LoadResult): string[] => (result.ok ? [] : result.problems.map(formatProblem));

test("with an empty environment there is the simulator, on loopback, without keys", () => {
  const made = good(zeroConfig({ env: {} }));
  expect([...made.providers.keys()]).toEqual(["sim"]);
  expect(made.listen).toMatchObject({ host: "127.0.0.1", port: 8080 });
  expect(made.keys).toEqual([]);
});

/** Providers that want their key in a header of their own. */
const OWN_HEADERS: Readonly<Record<string, string>> = { ANTHROPIC: "x-api-key", GEMINI: "x-goog-api-key" };

test("every key of the contract makes its provider", () => {
  const names = "OPENAI ANTHROPIC GEMINI MISTRAL GROQ DEEPSEEK XAI OPENROUTER TOGETHER FIREWORKS".split(" ");
  const env: Record<string, string> = Object.fromEntries(
    names.map((name) => [`${name}_API_KEY`, `key-of-${name}`]),
  );
  env["AZURE_OPENAI_API_KEY"] = "az";
  env["AZURE_OPENAI_ENDPOINT"] = "https://r.openai.azure.com/";
  const made = good(zeroConfig({ env }));
  expect([...made.providers.keys()].sort()).toEqual(
    [...names.map((name) => name.toLowerCase()), "azure", "sim"].sort(),
  );
  for (const name of names)
    expect(made.providers.get(name.toLowerCase())?.keys[0]?.headers[0]).toEqual(
      name in OWN_HEADERS
        ? [OWN_HEADERS[name], `key-of-${name}`]
        : ["authorization", `Bearer key-of-${name}`],
    );
  expect(made.providers.get("azure")).toMatchObject({
    origin: { host: "r.openai.azure.com" },
    base_path: "/openai",
    url_style: "azure_deployments",
  });
});

test("blank variables count as not set, and Azure needs both of its own", () => {
  const env = { OPENAI_API_KEY: " ", GROQ_API_KEY: "", AZURE_OPENAI_API_KEY: "k" };
  expect([...good(zeroConfig({ env })).providers.keys()]).toEqual(["sim"]);
});

test("a key's line break at its end is forgiven, one within is not, and the key is not shown", () => {
  const made = good(zeroConfig({ env: { OPENAI_API_KEY: "sk-1\n" } }));
  expect(made.providers.get("openai")?.keys[0]?.headers[0]).toEqual(["authorization", "Bearer sk-1"]);
  expect(said(zeroConfig({ env: { OPENAI_API_KEY: "sk-1\nsk-2" } }))).toEqual([
    `environment: providers.openai.api_keys[0] contains a line break, which no header value may have (its value comes from $\{OPENAI_API_KEY})`,
  ]);
});

test("without a file, too, another address needs client keys", () => {
  expect(said(zeroConfig({ env: {}, overrides: { host: "0.0.0.0" } }))).toEqual([
    "--host: without client keys the gateway listens on loopback only; add keys, or set listen.host to 127.0.0.1",
  ]);
});

test("a configured provider takes its own variable's key, but never to another address", () => {
  const env = { GROQ_API_KEY: "gk", OPENAI_API_KEY: "ok" };
  const made = plan(
    "providers: { g: { kind: groq }, groq: { kind: openai }, own: { kind: openai, base_url: 'http://h/v1' }, g2: { kind: groq, api_keys: [x] } }",
    { env },
  );
  const first = (name: string) => made.providers.get(name)?.keys[0]?.headers[0];
  expect(first("g")).toEqual(["authorization", "Bearer gk"]);
  expect(first("groq")).toEqual(["authorization", "Bearer gk"]);
  expect(first("own")).toEqual(["content-type", "application/json"]);
  expect(first("g2")).toEqual(["authorization", "Bearer x"]);
});

const PROXIED = `
providers:
  tls: { kind: openai, base_url: "https://far.example/v1" }
  clear: { kind: openai, base_url: "http://near.example/v1" }
  here: { kind: openai, base_url: "http://127.0.0.1:9/v1" }
  own: { kind: openai, base_url: "https://far.example/v1", proxy: "http://own:1" }
  direct: { kind: openai, base_url: "https://far.example/v1", client: http1 }`;

const proxies = (env: Record<string, string>): Record<string, string> => {
  const made = plan(PROXIED, { env });
  const found: Record<string, string> = {};
  for (const [name, { client, origin }] of made.providers) {
    expect(client === "fetch").toBe(origin.proxy !== undefined);
    if (origin.proxy !== undefined) found[name] = origin.proxy;
  }
  return found;
};

test("proxies of the environment, by scheme, never for this machine", () => {
  expect(proxies({})).toEqual({ own: "http://own:1" });
  expect(proxies({ HTTPS_PROXY: "http://s:1", HTTP_PROXY: "http://c:2" })).toEqual({
    tls: "http://s:1",
    clear: "http://c:2",
    own: "http://own:1",
  });
  expect(proxies({ https_proxy: "s:1" })).toEqual({ tls: "http://s:1", own: "http://own:1" });
  expect(proxies({ HTTPS_PROXY: "http://s:1", NO_PROXY: "x, .example" })).toEqual({ own: "http://own:1" });
});

test("a proxy variable that no provider could use is a problem, but only where one would", () => {
  const env = { HTTPS_PROXY: "socks5://user:secret@s:1" };
  expect(said(zeroConfig({ env: { ...env, OPENAI_API_KEY: "k" } }))).toEqual([
    "environment: HTTPS_PROXY must begin with http:// or https://, like http://proxy.internal:3128",
  ]);
  expect(said(zeroConfig({ env }))).toEqual([]);
});

test("NO_PROXY: names, domains with and without a dot, ports, everything", () => {
  const yes = [
    ["a.example", "a.example"],
    ["b.a.example", "a.example"],
    ["b.a.example", ".a.example"],
    ["b.a.example", "*.a.example"],
    ["x", "*"],
    ["a.example", "q, A.Example:443"],
    ["10.0.0.1", "10.0.0.1"],
  ] as const;
  const no = [
    ["ba.example", "a.example"],
    ["a.example", ""],
    ["a.example", "a.example:80"],
    ["a.example", "b.a.example"],
  ] as const;
  for (const [host, list] of yes) expect(isProxyExempt(host, 443, list), `${host} in ${list}`).toBe(true);
  for (const [host, list] of no) expect(isProxyExempt(host, 443, list), `${host} in ${list}`).toBe(false);
});

test("loopback is what only this machine reaches", () => {
  for (const host of ["localhost", "LOCALHOST", "127.0.0.1", "127.9.8.7", "::1", "[::1]", "::ffff:127.0.0.1"])
    expect(isLoopback(host), host).toBe(true);
  for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.example", "localhost.example", ""])
    expect(isLoopback(host), host).toBe(false);
});
