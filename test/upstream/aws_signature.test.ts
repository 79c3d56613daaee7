// AWS's signatures against the published cases, as they sign in header fields.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { canonicalRequest, sha256, signatureFields } from "../../src/upstream/signing/aws.ts";

const CASES = new URL("../../../shared/fixtures/_aws-sigv4/", import.meta.url).pathname;
const there = existsSync(CASES);
if (!there) console.warn("skipped: the published signatures (../shared/fixtures/_aws-sigv4) are not here");

interface Context {
  readonly credentials: { access_key_id: string; secret_access_key: string; token?: string };
  readonly normalize: boolean;
  readonly omit_session_token?: boolean;
  readonly region: string;
  readonly service: string;
  readonly sign_body: boolean;
  readonly timestamp: string;
}

/** A request as the cases write it: lines that begin with a space go on with the field before. */
function readRequest(text: string) {
  const [head = "", body = ""] = text.split(/\r?\n\r?\n/, 2);
  const [line = "", ...rest] = head.split(/\r?\n/);
  const headers: [string, string][] = [];
  for (const field of rest) {
    if (/^\s/.test(field)) headers.at(-1)![1] += ` ${field.trim()}`;
    else if (field !== "") {
      const colon = field.indexOf(":");
      headers.push([field.slice(0, colon), field.slice(colon + 1)]);
    }
  }
  const method = line.slice(0, line.indexOf(" "));
  const path = line.slice(method.length + 1, line.lastIndexOf(" "));
  return { method, path, headers, body: [Buffer.from(body)] };
}

describe.runIf(there)("published cases", () => {
  const names = there
    ? readdirSync(CASES, { withFileTypes: true }).filter((entry) => entry.isDirectory())
    : [];
  test("there are thirty-eight", () => expect(names.length).toBe(38));
  for (const { name } of names) {
    const read = (file: string) => readFileSync(`${CASES}${name}/${file}`, "utf8");
    const context = JSON.parse(there ? read("context.json") : "{}") as Context;
    // Paths that are signed as they come are S3's alone.
    test.skipIf(!context.normalize)(name, () => {
      const request = readRequest(read("request.txt"));
      const { token, access_key_id, secret_access_key } = context.credentials;
      const session_token = context.omit_session_token === true ? null : (token ?? null);
      const credentials = { region: context.region, access_key_id, secret_access_key, session_token };
      const time_ms = Date.parse(context.timestamp);
      const hashed: [string, string][] = context.sign_body
        ? [["x-amz-content-sha256", sha256(request.body)]]
        : [];
      const signed = { ...request, headers: [...request.headers, ...hashed] };
      const fields = signatureFields(signed, credentials, { service: context.service, time_ms });
      const added = fields.filter(([field]) => field !== "authorization");
      const canonical = canonicalRequest({ ...signed, headers: [...signed.headers, ...added] });
      expect(canonical.text).toBe(read("header-canonical-request.txt").replaceAll("\r\n", "\n"));
      const signature = /Signature=(\w+)$/.exec(new Map(fields).get("authorization")!)![1];
      expect(signature).toBe(read("header-signature.txt").trim());
    });
  }
});
