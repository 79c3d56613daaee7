// References to the environment: every form, what is missing, and that what they stand for is never shown.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these texts are configurations, not templates.
import { expect, test } from "vitest";
import { load, plan, problems } from "./loading.ts";

const data = (written: string, env: Record<string, string> = {}): string => {
  const result = load(`data: ${written}`, { env });
  if (!result.ok) throw new Error(result.problems[0]?.message ?? "");
  return result.config.data;
};

test("every form of a reference is replaced", () => {
  const env = { A: "one", B_2: "two", EMPTY: "" };
  expect(data("${A}", env)).toBe("one");
  expect(data('"x-${A}-${B_2}-y"', env)).toBe("x-one-two-y");
  expect(data("env.A", env)).toBe("one");
  expect(data("os.environ/B_2", env)).toBe("two");
  expect(data("${NONE:-fall back}", env)).toBe("fall back");
  expect(data("${EMPTY:-used}", env)).toBe("used");
  expect(data("${A:-unused}", env)).toBe("one");
});

test("two dollars and a brace are a literal, and what only looks like a reference stays", () => {
  const env = { A: "one" };
  expect(data('"$${A}"', env)).toBe("${A}");
  expect(data('"$A {A} env.A.b xenv.A"', env)).toBe("$A {A} env.A.b xenv.A");
  expect(data("${A}$${A}", env)).toBe("one${A}");
  // What a variable holds is not looked into again.
  expect(data("${B}", { B: "${A}", A: "one" })).toBe("${A}");
});

test("missing variables are all named with their places, and nothing that follows from them", () => {
  const text = `listen: { port: "\${PORT}" }
providers:
  a: { kind: openai, api_keys: ["\${K1}", "x\${K2}"], base_url: env.URL }
keys:
  - { name: n, key: os.environ/CK }
`;
  expect(problems(text)).toEqual([
    "venturi.yaml:1:17: the environment variable PORT is not set; set it, or give a default: ${PORT:-default}",
    "venturi.yaml:3:33: the environment variable K1 is not set; set it, or give a default: ${K1:-default}",
    "venturi.yaml:3:42: the environment variable K2 is not set; set it, or give a default: ${K2:-default}",
    "venturi.yaml:3:63: the environment variable URL is not set; set it, or give a default: ${URL:-default}",
    "venturi.yaml:5:21: the environment variable CK is not set; set it, or give a default: ${CK:-default}",
  ]);
});

test("a brace that begins no reference is a problem", () => {
  for (const text of ['"${"', '"${1A}"', '"${A-b}"'])
    expect(problems(`data: ${text}`)).toEqual([
      'venturi.yaml:1:7: "${" does not begin a reference; write "${NAME}", or "$${" for the two characters themselves',
    ]);
});

test("numbers and truth values from references are what is expected at their place", () => {
  const text = `
listen: { port: "\${PORT}", workers: env.W, max_calls: "\${N:-7}" }
providers: { a: { kind: openai, base_url: "http://h/v1", api_keys: ["\${K}"], stream_usage: "\${S}" } }
models: { m: { targets: [{ provider: a, model: "\${M}", weight: "\${WEIGHT}" }] } }`;
  const env = { PORT: "9000", W: "auto", K: "12345", S: "false", M: "7", WEIGHT: "0.5" };
  const made = plan(text, { env });
  expect(made.listen).toMatchObject({ port: 9000, max_calls: 7 });
  expect(made.providers.get("a")).toMatchObject({ stream_usage: false });
  expect(made.providers.get("a")?.keys[0]?.headers[0]).toEqual(["authorization", "Bearer 12345"]);
  expect(made.models.get("m")?.targets[0]).toMatchObject({ model: "7", weight: 0.5 });
});

test("values of references appear in no message", () => {
  const text = `listen: { host: "\${S}", port: "\${S}", default_provider: "\${S}", cors: { origins: ["\${S}"] } }
providers:
  a: { kind: "\${S}" }
  b: { kind: openai, base_url: "\${S}", proxy: "\${S}", client: "\${S}", headers: { x: "\${S}\\n" }, api_keys: ["\${S}\\n"] }
  c: { kind: azure, base_url: "\${URL}", api_keys: ["\${S} "], api_version: "\${S}", tls: { ca: "\${S}" } }
  d: { kind: openai, base_url: "\${URL}", auth: { header: "\${S}", value: "\${S}\\r" }, stream_usage: "\${S}" }
models:
  m:
    strategy: "\${S}"
    targets: ["\${S}", "\${S}/x", { provider: "\${S}", model: x, weight: "\${S}" }, "sim/\${S}"]
    fallbacks: ["\${S}", "\${S}/\${S}"]
    deadline_ms: "\${S}"
keys:
  - { name: "\${S}", key: "\${S}" }
  - { name: "\${S}", key: "\${S}" }
`;
  const secret = "sekret token";
  const said = problems(text, { env: { S: secret, URL: "https://u:sekretword@h/v1#sekretpart" } });
  expect(said.length).toBeGreaterThan(15);
  for (const line of said) expect(line).not.toContain("sekret");
  expect(said).toContain(
    "venturi.yaml:6:32: providers.d.base_url must not contain a user name or password; use api_keys, or auth (its value comes from ${URL})",
  );
  expect(said).toContain(
    "venturi.yaml:1:31: listen.port must be a whole number from 0 to 65535, not a string (its value comes from ${S})",
  );
});

test("secrets written into the file itself appear in no message either", () => {
  const text = `providers: { a: { kind: openai, base_url: "https://u:hunter2@h/", api_keys: ["hunter2\\n"], auth: { header: a, value: "hunter2\\n" } } }
keys: [{ name: a, key: hunter2 }, { name: b, key: hunter2 }, { name: c, key: "hunter2 " }]`;
  const said = problems(text);
  expect(said.length).toBeGreaterThanOrEqual(4);
  for (const line of said) expect(line).not.toContain("hunter2");
});
