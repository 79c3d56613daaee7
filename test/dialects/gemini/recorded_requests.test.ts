import { describe, expect, test } from "vitest";
import { GEMINI } from "../../../src/dialects/gemini/format.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";
import { GatewayError } from "../../../src/errors.ts";
import { parseExact } from "../../../src/wire/exact_json.ts";
import { canonical } from "./canonical.ts";
import { HAS_RECORDINGS, recordedCalls } from "./recorded.ts";

describe.skipIf(!HAS_RECORDINGS)("recorded requests (../shared/fixtures)", () => {
  const calls = recordedCalls("generateContent", "streamGenerateContent").filter(
    ({ request }) => request !== null,
  );

  test("there are some", () => {
    expect(calls.length).toBeGreaterThan(100);
  });

  test.each(calls.map((call) => [call.name, call] as const))("%s is written as it came", (_, call) => {
    const body = parseExact(Buffer.from(call.request!)) as Record<string, unknown>;
    const request = GEMINI.readRequest(body, { model: call.model, stream: false });
    if (request instanceof GatewayError) throw new Error(request.message);
    const losses = new Losses("error", "gemini");
    const target = { model: call.model, provider_kind: call.provider };
    const written = GEMINI.writeRequest(request, target, losses);
    expect(losses.error).toBeNull();
    expect(canonical(written)).toEqual(canonical(body));
  });
});
