// Messages for clouds that serve Claude.

import { expect, test } from "vitest";
import { type Host, hostedBetas, hostedBody } from "../../../src/dialects/anthropic/hosted.ts";
import { Losses } from "../../../src/dialects/neutral/losses.ts";

function hosted(host: Host, body: string, betas: readonly string[] = []) {
  const losses = new Losses("default", "cloud/claude");
  return { text: Buffer.from(hostedBody(Buffer.from(body), host, betas, losses)).toString(), losses };
}

test("model and stream are in Bedrock's path, only the model in Vertex's; all else stays as it came", () => {
  const body =
    '{"model":"m","stream":true,"max_tokens":1,"tools":[{"n":12345678901234567890}],"new":{"a":1.0}}';
  expect(hosted("bedrock", body).text).toBe(
    '{"max_tokens":1,"tools":[{"n":12345678901234567890}],"new":{"a":1.0},"anthropic_version":"bedrock-2023-05-31"}',
  );
  expect(hosted("vertex", body).text).toBe(
    '{"stream":true,"max_tokens":1,"tools":[{"n":12345678901234567890}],"new":{"a":1.0},"anthropic_version":"vertex-2023-10-16"}',
  );
});

test("betas in the body are kept, and joined by the header's", () => {
  const { text } = hosted("bedrock", '{"anthropic_beta":["a"],"anthropic_version":"x"}', ["a", "b"]);
  expect(JSON.parse(text)).toEqual({ anthropic_beta: ["a", "b"], anthropic_version: "bedrock-2023-05-31" });
});

test("hints that are not taken are left out and named", () => {
  const { text, losses } = hosted(
    "bedrock",
    '{"service_tier":"auto","metadata":{"user_id":"u"},"max_tokens":1}',
  );
  expect(JSON.parse(text)).toEqual({ max_tokens: 1, anthropic_version: "bedrock-2023-05-31" });
  expect(losses.dropped).toEqual(["service_tier", "metadata"]);
  expect(JSON.parse(hosted("vertex", '{"metadata":{"user_id":"u"}}').text)).toMatchObject({
    metadata: { user_id: "u" },
  });
});

test("betas go by what each cloud takes, whatever their date", () => {
  const losses = new Losses("default", "cloud/claude");
  const given =
    " interleaved-thinking-2025-05-14,effort-2099-01-01,advanced-tool-use-2025-11-20,oauth-2025-04-20,";
  expect(hostedBetas(given, "bedrock", losses)).toEqual([
    ...["interleaved-thinking-2025-05-14", "effort-2099-01-01", "tool-search-tool-2025-10-19"],
  ]);
  expect(losses.dropped).toEqual(["anthropic-beta.oauth-2025-04-20"]);
  expect(hostedBetas(given, "vertex", losses)).toEqual([
    ...["interleaved-thinking-2025-05-14", "tool-search-tool-2025-10-19"],
  ]);
  expect(hostedBetas(null, "vertex", losses)).toEqual([]);
  const strict = new Losses("error", "cloud/claude");
  hostedBetas("oauth-2025-04-20", "bedrock", strict);
  expect(strict.error!.param).toBe("anthropic-beta.oauth-2025-04-20");
});
