// Accounts at clouds: what a configuration and the environment say of them, and what is missing.

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { loadConfig, zeroConfig } from "../../src/config/load.ts";
import { makeTarget } from "../../src/config/models.ts";
import type { Plan } from "../../src/config/plan.ts";
import { maskedConfig } from "../../src/console/masked_config.ts";
import { load, plan, problems } from "./loading.ts";

const SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const ACCOUNT = {
  ...{ type: "service_account", project_id: "p-1", private_key_id: "k", private_key: PEM },
  client_email: "robot@p-1.iam.gserviceaccount.com",
};
const AWS = { AWS_ACCESS_KEY_ID: "AKID", AWS_SECRET_ACCESS_KEY: SECRET };

const folder = mkdtempSync(join(tmpdir(), "venturi-clouds-"));
afterAll(() => rmSync(folder, { recursive: true }));

function provider(of: Plan, name: string) {
  const found = of.providers.get(name);
  if (found === undefined) throw new Error(`no provider ${name}`);
  return found;
}

describe("Bedrock", () => {
  test("without a file, keys and a region make it", () => {
    const made = zeroConfig({ env: { ...AWS, AWS_SESSION_TOKEN: "tok", AWS_DEFAULT_REGION: "eu-west-1" } });
    if (!made.ok) throw new Error("not good");
    const bedrock = provider(made.plan, "bedrock");
    expect(bedrock).toMatchObject({
      origin: { host: "bedrock-runtime.eu-west-1.amazonaws.com", port: 443, tls: true },
      base_path: "",
    });
    expect(bedrock.keys[0]!.signing).toEqual({
      kind: "aws",
      service: "bedrock",
      credentials: {
        ...{ region: "eu-west-1", access_key_id: "AKID", secret_access_key: SECRET, session_token: "tok" },
      },
    });
    const bearer = zeroConfig({ env: { AWS_BEARER_TOKEN_BEDROCK: "b", AWS_REGION: "eu-west-1" } });
    if (!bearer.ok) throw new Error("not good");
    expect(provider(bearer.plan, "bedrock").keys[0]).toMatchObject({ signing: null });
    expect(provider(bearer.plan, "bedrock").keys[0]!.headers[0]).toEqual(["authorization", "Bearer b"]);
  });

  test("keys without a region, which other tools have too, make none", () => {
    const made = zeroConfig({ env: AWS });
    expect(made.ok && [...made.plan.providers.keys()]).toEqual(["sim"]);
  });

  test("the environment's keys go to AWS alone, and not beside a file's own", () => {
    const env = { ...AWS, AWS_REGION: "us-east-1", AWS_SESSION_TOKEN: "tok", AWS_BEARER_TOKEN_BEDROCK: "b" };
    const elsewhere = plan("providers: { b: { kind: bedrock, base_url: 'http://127.0.0.1:1' } }", { env });
    const [key] = provider(elsewhere, "b").keys;
    expect(key!.signing).toBeNull();
    expect(key!.headers.map(([name]) => name)).not.toContain("authorization");
    const own = plan(
      "providers: { b: { kind: bedrock, aws: { region: cn-north-1, access_key_id: A, secret_access_key: S } } }",
      { env },
    );
    expect(provider(own, "b").origin.host).toBe("bedrock-runtime.cn-north-1.amazonaws.com.cn");
    expect(provider(own, "b").keys[0]!.signing).toMatchObject({
      credentials: { access_key_id: "A", session_token: null },
    });
  });

  test.each([
    [
      "providers: { b: { kind: bedrock } }",
      {},
      [
        "providers.b needs aws.region, or the environment variable AWS_REGION",
        "providers.b needs aws.access_key_id and aws.secret_access_key (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or api_keys (or AWS_BEARER_TOKEN_BEDROCK)",
      ],
    ],
    [
      "providers: { b: { kind: bedrock, aws: { region: eu-west-1, access_key_id: A } } }",
      {},
      ["providers.b.aws needs secret_access_key too"],
    ],
    [
      "providers: { b: { kind: bedrock, api_keys: [k], aws: { region: eu-west-1, access_key_id: A, secret_access_key: S } } }",
      {},
      ["providers.b has both api_keys and aws.access_key_id; keep one"],
    ],
    [
      "providers: { b: { kind: bedrock } }",
      { ...AWS, AWS_REGION: "eu west" },
      [
        `providers.b.aws.region must be of lower-case letters, digits and dashes, such as eu or eu-west-1 (its value comes from $\{AWS_REGION})`,
      ],
    ],
    [
      "providers: { b: { kind: openai, api_keys: [k], aws: { region: eu-west-1 } } }",
      {},
      ["providers.b.aws is only for the kind bedrock; leave it out"],
    ],
  ])("%s", (text, env, said) => {
    const found = problems(text, { env }).map((line) => line.replace(/^\S+ /, ""));
    expect(found).toEqual(said);
    expect(found.join()).not.toContain(SECRET);
  });
});

describe("Vertex", () => {
  const of = (google: string) => `providers: { v: { kind: vertex, google: ${google} } }`;
  const inline = JSON.stringify(ACCOUNT);

  test("a file beside the configuration, JSON, and a map say the same", () => {
    writeFileSync(join(folder, "account.json"), inline);
    const file = join(folder, "venturi.yaml");
    const signings = [`"account.json"`, JSON.stringify(inline), inline].map((credentials) => {
      writeFileSync(file, of(`{ location: europe-west4, credentials: ${credentials} }`));
      const made = loadConfig(file, { env: {} });
      if (!made.ok) throw new Error(made.problems.map(({ message }) => message).join());
      expect(provider(made.plan, "v")).toMatchObject({
        origin: { host: "europe-west4-aiplatform.googleapis.com" },
        base_path: "/v1/projects/p-1/locations/europe-west4",
      });
      return provider(made.plan, "v").keys[0]!.signing;
    });
    for (const signing of signings)
      expect(signing).toEqual({
        kind: "google",
        credentials: {
          ...{ type: "service_account", client_email: ACCOUNT.client_email, private_key: PEM },
          ...{ private_key_id: "k", token_uri: "https://oauth2.googleapis.com/token" },
        },
      });
  });

  test("a plan of another process is the same", () => {
    const made = plan(of(`{ location: global, credentials: ${inline} }`));
    expect(provider(made, "v").origin.host).toBe("aiplatform.googleapis.com");
    expect(provider(made, "v").keys[0]!.signing).toMatchObject({ kind: "google" });
  });

  test("the environment's credentials, project and location", () => {
    const user = { type: "authorized_user", client_id: "i", client_secret: "s", refresh_token: "r" };
    writeFileSync(join(folder, "login.json"), JSON.stringify(user));
    const env = {
      GOOGLE_APPLICATION_CREDENTIALS: join(folder, "login.json"),
      ...{ GOOGLE_CLOUD_PROJECT: "p-2", GOOGLE_CLOUD_LOCATION: "eu" },
    };
    const made = provider(plan("providers: { vertex: { kind: vertex } }", { env }), "vertex");
    expect(made.origin.host).toBe("aiplatform.eu.rep.googleapis.com");
    expect(made.base_path).toBe("/v1/projects/p-2/locations/eu");
    expect(made.keys[0]!.signing).toMatchObject({ credentials: user });
  });

  test("the account of the machine itself", () => {
    const text = of("{ project: p-3, location: us-central1, credentials: metadata }");
    const host = (env: Record<string, string>) => provider(plan(text, { env }), "v").keys[0]!.signing;
    expect(host({})).toEqual({
      kind: "google",
      credentials: { type: "metadata", host: "metadata.google.internal" },
    });
    expect(host({ GCE_METADATA_HOST: "127.0.0.1:9" })).toMatchObject({
      credentials: { host: "127.0.0.1:9" },
    });
  });

  test.each([
    [
      "{}",
      [
        "providers.v needs google.project, or the environment variable GOOGLE_CLOUD_PROJECT",
        "providers.v needs google.location, or the environment variable GOOGLE_CLOUD_LOCATION",
        "providers.v needs google.credentials (metadata on Google's own machines), or the environment variable GOOGLE_APPLICATION_CREDENTIALS",
      ],
    ],
    [
      "{ project: p, location: eu, credentials: no-such-file.json }",
      ["providers.v.google.credentials cannot be used: there is no such file; create it, or name another"],
    ],
    ['{ project: p, location: eu, credentials: "{ no json" }', ["providers.v.google.credentials is no JSON"]],
    [
      "{ project: p, location: eu, credentials: { type: external_account, audience: x } }",
      [
        "providers.v.google.credentials must be of the type service_account or authorized_user; other kinds of credentials are not read",
      ],
    ],
    [
      "{ project: p, location: eu, credentials: { type: service_account, client_email: x, private_key: y } }",
      ["providers.v.google.credentials has a private_key that is none (PEM)"],
    ],
    [
      "{ project: p, location: eu, credentials: { type: authorized_user, client_id: x, client_secret: y } }",
      ["providers.v.google.credentials has no usable refresh_token"],
    ],
  ])("%s", (google, said) => {
    expect(problems(of(google)).map((line) => line.replace(/^\S+ /, ""))).toEqual(said);
  });
});

test("an embedder is asked in OpenAI's format, which a cloud does not speak", () => {
  const text = `
providers: { b: { kind: bedrock, api_keys: [k], aws: { region: eu-west-1 } } }
models: { m: { targets: [b/x], cache: { semantic: { embedder: "provider:b/amazon.titan-embed-text-v2:0" } } } }`;
  expect(problems(text)[0]).toContain("names a provider that has no endpoint of OpenAI's format");
});

test("no secret of an account is shown", () => {
  const made = load(`
providers:
  b: { kind: bedrock, aws: { region: eu-west-1, access_key_id: A, secret_access_key: "${SECRET}", session_token: tok-tok } }
  v: { kind: vertex, google: { location: eu, credentials: ${JSON.stringify(ACCOUNT)} } }
`);
  if (!made.ok) throw new Error("not good");
  const shown = JSON.stringify(maskedConfig(made.config));
  for (const secret of [SECRET, "tok-tok", "PRIVATE KEY"]) expect(shown).not.toContain(secret);
});

test("what a model of a cloud speaks goes by its maker", () => {
  const made = plan(`
providers:
  b: { kind: bedrock, api_keys: [k], aws: { region: eu-west-1 } }
  v: { kind: vertex, api_keys: [k], google: { project: p, location: eu } }
`);
  const speaks = (name: string, model: string) => makeTarget(provider(made, name), model).speaks;
  expect(speaks("b", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")).toEqual(["bedrock", "messages"]);
  expect(speaks("b", "amazon.nova-lite-v1:0")).toEqual(["bedrock", "embeddings"]);
  expect(speaks("v", "claude-sonnet-4-5@20250929")).toEqual(["messages"]);
  expect(speaks("v", "gemini-2.5-pro")).toEqual(["gemini", "embeddings"]);
  expect(speaks("v", "endpoints/123")).toEqual(["gemini", "embeddings"]);
  expect(speaks("v", "meta/llama-3.3-70b-instruct-maas")).toEqual(["chat"]);
});
