// The rules of the configuration: what is refused, where the message points, and what it says.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are configurations, not templates.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { load, plan, problems } from "./loading.ts";

const REMOTE = "http://h.example/v1";

const EXAMPLE = `
listen: { host: 127.0.0.1, port: 8080, workers: auto, max_body_bytes: 33554432 }
data: ./data

providers:
  openai: { kind: openai, api_keys: ["\${OPENAI_API_KEY}"] }
  local:  { kind: openai, base_url: "http://127.0.0.1:9001/v1", api_keys: [none] }
  claude: { kind: anthropic, api_keys: ["\${ANTHROPIC_API_KEY}"],
            timeouts: { connect_ms: 3000, first_byte_ms: 30000, idle_ms: 60000 } }
  onprem: { kind: openai, base_url: "https://llm.internal/v1", auth: { header: x-team-token, value: "\${TEAM_TOKEN}" },
            headers: { x-cost-centre: "42" }, proxy: "http://proxy.internal:3128" }

models:
  chat:
    strategy: priority
    targets:
      - { provider: openai, model: gpt-4o-mini, weight: 9 }
      - { provider: claude, model: claude-haiku-4-5, weight: 1, timeouts: { first_byte_ms: 8000 } }
    fallbacks: [sim/echo]
    retries: { attempts: 2, backoff_ms: 200 }
    deadline_ms: 30000

keys:
  - { name: checkout, key: "\${CHECKOUT_KEY}", tenant: acme, team: shop, models: ["*"] }
`;

test("the contract's example loads, reduced to what this version does", () => {
  const env = { OPENAI_API_KEY: "sk-o", ANTHROPIC_API_KEY: "sk-a", TEAM_TOKEN: "tt", CHECKOUT_KEY: "ck" };
  const result = load(EXAMPLE, { env });
  expect(result).toMatchObject({
    ok: true,
    config: {
      listen: { port: 8080 },
      data: "./data",
      keys: [{ name: "checkout", key: "ck", tenant: "acme" }],
    },
  });
  expect([...plan(EXAMPLE, { env }).providers.keys()]).toEqual([
    "openai",
    "local",
    "claude",
    "onprem",
    "sim",
  ]);
});

test("defaults are filled in", () => {
  const result = load("data: d");
  if (!result.ok) throw new Error("refused");
  expect(result.config).toEqual({
    listen: {
      host: "127.0.0.1",
      port: 8080,
      workers: expect.any(Number),
      max_body_bytes: 33_554_432,
      body_idle_ms: 10_000,
      drain_ms: 30_000,
      max_calls: 20_000,
      compat: [],
      websocket: {
        ...{ max_message_bytes: 33_554_432, max_sockets: 10_000, max_calls: 64, idle_ms: 120_000 },
        ...{ compression: false, resume_ms: 60_000, resume_bytes: 262_144 },
      },
      realtime: { max_buffered_bytes: 16_777_216, idle_s: 900, session_minutes: 60 },
    },
    data: "d",
    privacy: { note: true, custom: [], session_ttl_s: 86_400, names: "builtin", names_budget_ms: 500 },
    cache: {
      ...{ max_mb: 1_024, max_entry_kb: 1_024, volatile: [] },
      semantic: { budget_ms: 15, max_entries: 200_000, threads: 1 },
    },
    providers: {},
    routes: [],
    responses: { ttl_days: 30, max_mb: 1_024 },
    models: {},
    keys: [],
    key_store: null,
    ...{ tenants: {}, teams: {}, tiers: {} },
    media: { max_mb: 20, max_count: 20, timeout_ms: 10_000, trusted_hosts: [] },
    ledger: { store: "sqlite", retention_days: 400, max_mb: 20_000 },
    log: { format: "text", level: "info", calls: "off", rotate_mb: 100, keep_files: 10 },
    telemetry: {
      traces: { sample: 0.1, slow_ms: 5_000 },
      quality: { answers_per_s: 5, similarity: false },
      content: {
        ...{ store: "off", retention_days: 7, max_mb: 1_024, max_call_kb: 4_096 },
        except: { models: [], keys: [], tenants: [] },
      },
    },
    ...{ on_state_loss: "local", state_budget_ms: 100 },
  });
  expect(result.config.listen.workers).toBeGreaterThanOrEqual(1);
});

// Each text has one fault (or a few); the messages are exact, place included.
const CASES: readonly (readonly [name: string, text: string, ...messages: string[]])[] = [
  [
    "a token for content that opens no more than the other",
    "admin:\n  token: one-secret-for-all-of-it\n  content_token: one-secret-for-all-of-it",
    "venturi.yaml:3:18: admin.content_token must be another secret than admin.token: it opens more",
  ],
  [
    "a tier that is not there, and a team without its tenant",
    "keys: [{ name: a, key: k, tier: payed }]\ntiers: { paid: {} }\nteams: { shop: {} }",
    'venturi.yaml:1:33: there is no tier "payed"; known are paid',
    'venturi.yaml:3:10: a team is named tenant/team, as "acme/shop", not "shop"',
  ],
  [
    "kinds of personal data that are not there, or are there already",
    "providers: { a: { kind: openai, api_keys: [k] } }\nmodels:\n  m: { targets: [a/x], privacy: { entities: [EMAILS, PERSONS] } }\nprivacy: { custom: [{ name: IBAN, pattern: x }, { name: STAFF, pattern: '(' }] }",
    'venturi.yaml:3:46: there is no kind of personal data "EMAILS"; did you mean "EMAIL"?',
    'venturi.yaml:3:54: there is no kind of personal data "PERSONS"; did you mean "PERSON"?',
    "venturi.yaml:4:29: IBAN is there already; give this kind another name",
    "venturi.yaml:4:49: privacy.custom[1]: error parsing regexp: missing closing ): `(`",
  ],
  [
    "a cache whose similar answers more would share than its equal ones, of an embedder that is not there; a bad pattern",
    "providers: { a: { kind: openai, api_keys: [k] } }\nmodels:\n  m: { targets: [a/x], cache: { exact: { scope: key }, semantic: { embedder: 'provider:b/e' } } }\ncache: { volatile: ['(a'] }",
    "venturi.yaml:3:56: models.m.cache.semantic.scope must not be wider than models.m.cache.exact.scope",
    'venturi.yaml:3:78: there is no provider "b"; known are a, sim',
    "venturi.yaml:4:21: cache.volatile[0] is no pattern that RE2 knows: error parsing regexp: missing closing ): `(a`",
  ],
  [
    "an unknown key, with the nearest known one",
    "providers:\n  openai: { kind: openai, api_keys: [k] }\nmodels:\n  chat:\n    strategy: priority\n    fallbacks: []\n    targts:\n      - openai/gpt-4o\n",
    'venturi.yaml:7:5: unknown key "targts" in models.chat; did you mean "targets"?',
  ],
  [
    "an unknown key at the top",
    "providres: {}",
    'venturi.yaml:1:1: unknown key "providres" at the top level; did you mean "providers"?',
  ],
  [
    "an unknown key that is like nothing known",
    "listen: { colour: {} }",
    'venturi.yaml:1:11: unknown key "colour" in listen; known are host, port, workers, tls, max_body_bytes, body_idle_ms, drain_ms, max_calls, default_provider, cors, compat, websocket, realtime',
  ],
  [
    "a missing key",
    "models:\n  chat: { strategy: weighted }",
    'venturi.yaml:2:3: "targets" is missing in models.chat; it is needed: The providers\' models that may answer',
  ],
  [
    "a section without content",
    "models:\n",
    "venturi.yaml:1:1: models is empty; expected a map, or leave the key out",
  ],
  [
    "numbers out of bounds, fractions, and text for a number",
    'listen: { port: 70000, workers: 0, max_calls: 1.5, drain_ms: "5" }',
    "venturi.yaml:1:17: listen.port must be a whole number from 0 to 65535, not 70000",
    'venturi.yaml:1:33: listen.workers must be "auto" or a whole number from 1 to 62, not 0',
    "venturi.yaml:1:47: listen.max_calls must be a whole number from 1 to 1000000, not 1.5",
    "venturi.yaml:1:62: listen.drain_ms must be a whole number from 0 to 86400000, not a string",
  ],
  [
    "numbers and truth values without quotes where text belongs; they may be secrets, and are not shown",
    "providers: { a: { kind: openai, api_keys: [12345], headers: { x: true } } }\nkeys: [{ name: a, key: 987 }]",
    "venturi.yaml:1:44: providers.a.api_keys[0] must be a string, not a number; put it in quotes",
    "venturi.yaml:1:66: providers.a.headers.x must be a string, not true or false; put it in quotes",
    "venturi.yaml:2:24: keys[0].key must be a string, not a number; put it in quotes",
  ],
  [
    "an unknown kind",
    "providers:\n  g: { kind: grok }",
    'venturi.yaml:2:14: providers.g.kind cannot be "grok"; did you mean "groq"?',
  ],
  [
    "an unknown strategy",
    "models: { m: { strategy: wieghted, targets: [sim/echo] } }",
    'venturi.yaml:1:26: models.m.strategy cannot be "wieghted"; did you mean "weighted"?',
  ],
  [
    "a provider's name with a slash",
    `providers: { "a/b": { kind: openai, base_url: "${REMOTE}" } }`,
    'venturi.yaml:1:14: a provider\'s name has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit, not "a/b"',
  ],
  [
    "a provider's name that is a path of the gateway",
    `providers: { v1: { kind: openai, base_url: "${REMOTE}" } }`,
    'venturi.yaml:1:14: a provider cannot be called "v1": /v1 is a path of the gateway',
  ],
  [
    "a model's name with a space",
    "models: { a b: { targets: [sim/echo] } }",
    'venturi.yaml:1:11: a model\'s name has 1 to 128 visible ASCII characters and no spaces, not "a b"',
  ],
  [
    "targets that name no provider, in both forms",
    "providers: { openai: { kind: openai, api_keys: [k] } }\nmodels:\n  m:\n    targets:\n      - opnai/gpt-4o\n      - { provider: openia, model: x }\n      - gpt-4o",
    'venturi.yaml:5:9: there is no provider "opnai"; did you mean "openai"?',
    'venturi.yaml:6:21: there is no provider "openia"; did you mean "openai"?',
    "venturi.yaml:7:9: models.m.targets[2] must be written as provider/model",
  ],
  [
    "a target that is neither form, and one with an unknown key",
    "models: { m: { targets: [3, { provider: sim, modl: echo }] } }",
    "venturi.yaml:1:26: models.m.targets[0] must be a string or a map, not a number",
    'venturi.yaml:1:46: unknown key "modl" in models.m.targets[1]; did you mean "model"?',
  ],
  [
    "models that the simulator does not have",
    "models: { m: { targets: [sim/ecko, { provider: sim, model: nothing-like-it }] } }",
    'venturi.yaml:1:26: the simulator has no model "ecko"; did you mean "echo"?',
    'venturi.yaml:1:60: the simulator has no model "nothing-like-it"; known are echo, lorem, tool, slow, error-429, error-500, hang, cut',
  ],
  [
    "no targets at all",
    "models: { m: { targets: [] } }",
    "venturi.yaml:1:25: models.m.targets must have at least one target",
  ],
  [
    "weights that are all zero",
    "models: { m: { strategy: weighted, targets: [{ provider: sim, model: echo, weight: 0 }] } }",
    "venturi.yaml:1:45: every weight in models.m is 0; give at least one target a weight over 0",
  ],
  [
    "a negative weight",
    "models: { m: { targets: [{ provider: sim, model: echo, weight: -1 }] } }",
    "venturi.yaml:1:64: models.m.targets[0].weight must be a number from 0 to 1000000, not -1",
  ],
  [
    "fallbacks that name nothing",
    "models:\n  chat: { targets: [sim/echo], fallbacks: [chta, nowhere/x] }",
    'venturi.yaml:2:44: there is no model "chta"; did you mean "chat"? (or write provider/model)',
    'venturi.yaml:2:50: there is no provider "nowhere"; known are sim',
  ],
  [
    "client keys with one name, and with one value",
    "keys:\n  - { name: a, key: k1 }\n  - { name: a, key: k2 }\n  - { name: b, key: k1 }",
    "venturi.yaml:3:13: keys[1] has the name of keys[0]; every key needs a name of its own",
    "venturi.yaml:4:21: keys[2].key is the same as keys[0].key; every key needs a value of its own",
  ],
  [
    "a client key with a space",
    "keys: [{ name: a, key: k 1 }]",
    "venturi.yaml:1:24: keys[0].key must have 1 to 512 visible ASCII characters and no spaces",
  ],
  [
    "another address than loopback without client keys",
    "listen: { host: 0.0.0.0 }",
    "venturi.yaml:1:17: without client keys the gateway listens on loopback only; add keys, or set listen.host to 127.0.0.1",
  ],
  [
    "a default provider that is not there",
    "listen: { default_provider: opnai }\nproviders: { openai: { kind: openai, api_keys: [k] } }",
    'venturi.yaml:1:29: there is no provider "opnai"; did you mean "openai"?',
  ],
  [
    "an origin with a path",
    'listen: { cors: { origins: ["https://a.example/x", "*", "https://b.example"] } }',
    'venturi.yaml:1:29: listen.cors.origins[0] must be an origin such as https://app.example.com (no path), or "*"',
  ],
  [
    "base URLs that are none, not of HTTP, with credentials, with a fragment",
    'providers:\n  a: { kind: openai, base_url: "not a url" }\n  b: { kind: openai, base_url: "ftp://h/v1" }\n  c: { kind: openai, base_url: "http://u:secret@h/v1" }\n  d: { kind: openai, base_url: "http://h/v1#" }',
    "venturi.yaml:2:32: providers.a.base_url is not a URL; write it like https://llm.example.com/v1",
    "venturi.yaml:3:32: providers.b.base_url must begin with http:// or https://, like https://llm.example.com/v1",
    "venturi.yaml:4:32: providers.c.base_url must not contain a user name or password; use api_keys, or auth",
    'venturi.yaml:5:32: providers.d.base_url must not contain a fragment; leave out "#" and what follows',
  ],
  [
    "header names and values that are not legal",
    `providers:\n  a:\n    kind: openai\n    base_url: ${REMOTE}\n    auth: { header: "x y", value: "a\\nb" }\n    headers:\n      "x:": v\n      content-length: "1"\n      x-a: "a\\0b"\n      X-A: c\n      x-b: " pad"`,
    "venturi.yaml:5:21: providers.a.auth.header is not a legal header name; it has letters, digits and dashes, and no spaces, colons or line breaks",
    "venturi.yaml:5:35: providers.a.auth.value contains a line break, which no header value may have",
    'venturi.yaml:7:7: "x:" is not a legal header name; it has letters, digits and dashes, and no spaces, colons or line breaks',
    'venturi.yaml:8:7: "content-length" is a header that the gateway itself sets; leave it out',
    "venturi.yaml:9:12: providers.a.headers.x-a contains a character that no header value may have",
    "venturi.yaml:10:7: the header X-A is here for the second time",
    "venturi.yaml:11:12: providers.a.headers.x-b begins or ends with white space; leave it out",
  ],
  [
    "a key with a line break",
    `providers: { a: { kind: openai, base_url: ${REMOTE}, api_keys: ["k\\n"] } }`,
    "venturi.yaml:1:75: providers.a.api_keys[0] contains a line break, which no header value may have",
  ],
  [
    "none beside a key, and no key at all",
    `providers:\n  a: { kind: openai, base_url: ${REMOTE}, api_keys: [none, k] }\n  b: { kind: groq }\n  c: { kind: groq, api_keys: [] }`,
    'venturi.yaml:2:63: "none" must be the only entry of providers.a.api_keys',
    "venturi.yaml:3:3: providers.b needs api_keys, or the environment variable GROQ_API_KEY",
    "venturi.yaml:4:30: providers.c.api_keys must have at least one key",
  ],
  [
    "auth beside api_keys",
    "providers: { a: { kind: openai, api_keys: [k], auth: { header: x, value: y } } }",
    "venturi.yaml:1:48: providers.a has both auth and api_keys; keep one, further fields go under headers",
  ],
  [
    "an Azure provider without an address, or with a deployment in it",
    "providers:\n  a: { kind: azure, api_keys: [k] }\n  b: { kind: azure, api_keys: [k], base_url: https://r.example/openai/deployments/x }",
    "venturi.yaml:2:3: providers.a needs base_url, or the environment variable AZURE_OPENAI_ENDPOINT",
    "venturi.yaml:3:46: providers.b.base_url must end before /openai/deployments: the deployment is the model's name",
  ],
  [
    "Azure's options elsewhere, TLS without TLS, the simulator with an address",
    "providers:\n  a: { kind: openai, api_keys: [k], api_version: 2024-10-21 }\n  b: { kind: openai, base_url: http://h.example/v1, tls: { server_name: x } }\n  c: { kind: sim, base_url: http://h.example }\n  sim: { kind: openai, api_keys: [k] }",
    "venturi.yaml:2:37: providers.a.api_version is only for the kind azure; leave it out",
    "venturi.yaml:3:53: providers.b.tls has no effect: base_url begins with http://",
    "venturi.yaml:4:19: providers.c.base_url has no effect on the simulator; leave it out",
    'venturi.yaml:5:16: the provider "sim" is the built-in simulator; give this one another name',
  ],
  [
    "a proxy that is no URL, or for a client that speaks to none",
    `providers:\n  a: { kind: openai, api_keys: [k], proxy: "proxy:3128" }\n  b: { kind: openai, api_keys: [k], proxy: "http://p:3128", client: http1 }`,
    "venturi.yaml:2:44: providers.a.proxy must begin with http:// or https://, like http://proxy.internal:3128",
    "venturi.yaml:3:69: the client http1 does not speak to proxies; leave client out",
  ],
];

for (const [name, text, ...messages] of CASES)
  test(`refused: ${name}`, () => {
    expect(problems(text)).toEqual(messages);
  });

test("everything wrong is said at once, in the order of the file", () => {
  const text = `listen: { host: 0.0.0.0, prot: 1 }
providers:
  openai: { kind: openai, api_keys: ["\${NOT_SET}"] }
  a: { kind: openai, api_kyes: [k] }
models:
  b:
    strategy: fastest
    targets: [opnai/x, 3]
    fallbacks: [nothing]
`;
  expect(problems(text)).toEqual([
    "venturi.yaml:1:17: without client keys the gateway listens on loopback only; add keys, or set listen.host to 127.0.0.1",
    'venturi.yaml:1:26: unknown key "prot" in listen; did you mean "port"?',
    "venturi.yaml:3:38: the environment variable NOT_SET is not set; set it, or give a default: ${NOT_SET:-default}",
    'venturi.yaml:4:22: unknown key "api_kyes" in providers.a; did you mean "api_keys"?',
    'venturi.yaml:7:15: models.b.strategy cannot be "fastest"; known are priority, weighted, least-latency, least-cost, least-busy, prefix',
    'venturi.yaml:8:15: there is no provider "opnai"; did you mean "openai"?',
    "venturi.yaml:8:24: models.b.targets[1] must be a string or a map, not a number",
    'venturi.yaml:9:17: there is no model "nothing"; known are b (or write provider/model)',
  ]);
});

test("a listener on another address is accepted with client keys, and loopback has many spellings", () => {
  expect(problems("listen: { host: 0.0.0.0 }\nkeys: [{ name: a, key: k }]")).toEqual([]);
  for (const host of ["localhost", "127.0.0.2", '"::1"', '"[::1]"'])
    expect(problems(`listen: { host: ${host} }`)).toEqual([]);
  for (const host of ["localhost.example", "127.0.0.1.example", '"::"', "10.0.0.1"])
    expect(problems(`listen: { host: ${host} }`)).toHaveLength(1);
});

test("flags beat the file, and are checked like it", () => {
  const overrides = { host: "::1", port: 0, workers: 3, data: "/var/d" };
  const result = load("listen: { host: 0.0.0.0, port: 1 }", { overrides });
  expect(result).toMatchObject({
    ok: true,
    config: { listen: { host: "::1", port: 0, workers: 3 }, data: "/var/d" },
  });
  expect(problems("data: d", { overrides: { host: "0.0.0.0", port: -1, workers: 0, data: "" } })).toEqual([
    "--port: must be a whole number from 0 to 65535",
    '--workers: must be "auto" or a whole number from 1 to 62',
    "--data: must be a folder, such as ./data",
    "--host: without client keys the gateway listens on loopback only; add keys, or set listen.host to 127.0.0.1",
  ]);
});

const folder = mkdtempSync(join(tmpdir(), "venturi-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("certificates are read in, relative to the file; other files are refused", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  writeFileSync(join(folder, "ca.pem"), pem);
  writeFileSync(join(folder, "key.pem"), "-----BEGIN PRIVATE KEY-----\n");
  const file = join(folder, "v.yaml");
  const write = (ca: string) =>
    writeFileSync(file, `providers:\n  a: { kind: openai, base_url: "https://h/v1", tls: { ca: ${ca} } }`);
  write("./ca.pem");
  const result = loadConfig(file, { env: {} });
  if (!result.ok) throw new Error("refused");
  expect(result.config.providers["a"]?.tls?.ca).toBe(pem);
  expect(result.plan.providers.get("a")?.origin.ca).toBe(pem);
  const said = (ca: string) => {
    write(ca);
    const refused = loadConfig(file, { env: {} });
    return refused.ok ? [] : refused.problems.map(formatProblem);
  };
  expect(said("key.pem")).toEqual([
    `${file}:2:59: providers.a.tls.ca names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)`,
  ]);
  expect(said("none.pem")).toEqual([
    `${file}:2:59: providers.a.tls.ca cannot be used: there is no such file; create it, or name another`,
  ]);
});

test("a file that is not there, and a folder", () => {
  const said = (path: string) => {
    const result = loadConfig(path, { env: {} });
    return result.ok ? [] : result.problems.map(formatProblem);
  };
  expect(said(join(folder, "no.yaml"))).toEqual([
    `${folder}/no.yaml:1:1: there is no such file; create it, or name another`,
  ]);
  expect(said(folder)).toEqual([`${folder}:1:1: this is a folder; name a file in it`]);
});

test("a file that is cut anywhere is refused or loads, but nothing is thrown, and every problem has a place", () => {
  for (let end = 0; end < EXAMPLE.length; end++) {
    const result = load(EXAMPLE.slice(0, end));
    if (!result.ok) {
      expect(result.problems.length).toBeGreaterThan(0);
      for (const { line, col } of result.problems) expect(Math.min(line, col)).toBeGreaterThan(0);
    }
  }
});
