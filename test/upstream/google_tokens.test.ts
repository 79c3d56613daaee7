// Google's tokens: whom they are asked of, how long they are used, and what is said where there are none.

import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { GoogleCredentials } from "../../src/config/plan.ts";
import { UpstreamError } from "../../src/upstream/exchange.ts";
import { GoogleTokens } from "../../src/upstream/signing/google.ts";
import { rig } from "../gateway/harness.ts";

const room = rig();
const PEM = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();
const HOUR_MS = 3_600_000;

function account(token_uri: string): GoogleCredentials {
  return { type: "service_account", client_email: "a@b", private_key: PEM, private_key_id: null, token_uri };
}

/** Gives tokens by number, each good for an hour. */
async function server() {
  let given = 0;
  return room.upstream((_, reply) => reply.json(200, { access_token: `t${++given}`, expires_in: 3600 }));
}

describe("time", () => {
  test("a token is used until it is about to end; it is renewed behind a call's back before", async () => {
    const upstream = await server();
    let now_ms = 1_790_000_000_000;
    const tokens = new GoogleTokens(account(`${upstream.base_url}/token`), () => now_ms);
    expect(await Promise.all([tokens.token(), tokens.token()])).toEqual(["t1", "t1"]);
    now_ms += HOUR_MS - 301_000;
    expect(tokens.token()).toBe("t1");
    expect(upstream.requests.length).toBe(1);
    now_ms += 2_000;
    // It is still good: no call waits for the next.
    expect([tokens.token(), tokens.token()]).toEqual(["t1", "t1"]);
    await upstream.waitFor(() => upstream.requests.length === 2);
    while (tokens.token() === "t1") await Bun.sleep(1);
    expect(tokens.token()).toBe("t2");
    now_ms += HOUR_MS - 5_000;
    expect(await tokens.token()).toBe("t3");
    expect(upstream.requests.length).toBe(3);
  });

  test("a token that was refused is not given again; a newer one is not taken away by an older one's refusal", async () => {
    const upstream = await server();
    const tokens = new GoogleTokens(account(`${upstream.base_url}/token`));
    expect(await tokens.token()).toBe("t1");
    // Never taken: the account itself may not call.
    expect(tokens.refused("t1")).toBe(false);
    expect(await tokens.token()).toBe("t2");
    tokens.accepted("t2");
    expect(tokens.refused("t1")).toBe(true);
    expect(tokens.token()).toBe("t2");
    expect(tokens.refused("t2")).toBe(true);
    expect(await tokens.token()).toBe("t3");
  });
});

describe("whom", () => {
  test("a login's refresh token", async () => {
    const upstream = await server();
    const tokens = new GoogleTokens({
      ...{ type: "authorized_user", client_id: "id", client_secret: "s&s", refresh_token: "r" },
      token_uri: `${upstream.base_url}/token`,
    });
    expect(await tokens.token()).toBe("t1");
    const [seen] = upstream.requests;
    expect(seen!.headers.get("content-type")).toContain("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(seen!.text()))).toEqual({
      ...{ grant_type: "refresh_token", client_id: "id", client_secret: "s&s", refresh_token: "r" },
    });
  });

  test("the machine's own account", async () => {
    const upstream = await server();
    const tokens = new GoogleTokens({ type: "metadata", host: `127.0.0.1:${upstream.port}` });
    expect(await tokens.token()).toBe("t1");
    const [seen] = upstream.requests;
    expect(seen!.method).toBe("GET");
    expect(seen!.path.startsWith("/computeMetadata/v1/instance/service-accounts/default/token?scopes=")).toBe(
      true,
    );
    expect(seen!.headers.get("metadata-flavor")).toBe("Google");
  });
});

describe("none", () => {
  test.each([
    [
      "an error",
      401,
      { error: "invalid_client", error_description: "the secret is s3cret" },
      "status 401 (invalid_client)",
    ],
    ["an answer without a token", 200, { hello: 1 }, "status 200"],
    ["no JSON", 500, "oops", "status 500"],
    ["a redirect", 302, {}, "it could not be reached"],
  ])("%s", async (_, status, body, said) => {
    const upstream = await room.upstream((_request, reply) =>
      reply.json(status, body, status === 302 ? { location: "http://127.0.0.1:1/" } : {}),
    );
    const fault = await new GoogleTokens(account(`${upstream.base_url}/token`)).token();
    if (!(fault instanceof UpstreamError)) throw new Error("a token");
    expect(fault.failure).toBe("authorization");
    expect(fault.message).toContain(`127.0.0.1:${upstream.port} gave no access token: ${said}`);
    expect(fault.message).not.toContain("s3cret");
  });

  test("after a fault it is asked for anew", async () => {
    let tries = 0;
    const upstream = await room.upstream((_, reply) =>
      ++tries === 1 ? reply.destroy() : reply.json(200, { access_token: "t", expires_in: 60 }),
    );
    const tokens = new GoogleTokens(account(`${upstream.base_url}/token`));
    expect(await tokens.token()).toBeInstanceOf(UpstreamError);
    expect(await tokens.token()).toBe("t");
  });
});
