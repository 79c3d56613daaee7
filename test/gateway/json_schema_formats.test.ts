// The guard of JSON for clients of Responses, Messages and Gemini: what is valid passes as it came, what is not is told in the client's format.

import { describe, expect, test } from "vitest";
import {
  answerOf,
  answers,
  CHECKS,
  dataOf,
  NEW_FORMATS,
  type NewFormat,
  providersAt,
  requestOf,
  textAnswer,
} from "./format_calls.ts";
import { rig } from "./harness.ts";

const room = rig();

const SCHEMA = {
  type: "object",
  properties: { a: { type: "integer" } },
  required: ["a"],
  additionalProperties: false,
};

/** How each format asks for a schema. */
const ASKED: Readonly<Record<NewFormat, Record<string, unknown>>> = {
  responses: { text: { format: { type: "json_schema", name: "s", strict: true, schema: SCHEMA } } },
  messages: { output_config: { format: { type: "json_schema", schema: SCHEMA } } },
  gemini: { generationConfig: { responseMimeType: "application/json", responseJsonSchema: SCHEMA } },
};

/** And JSON alone, where it can. */
const ANY: Readonly<Partial<Record<NewFormat, Record<string, unknown>>>> = {
  responses: { text: { format: { type: "json_object" } } },
  gemini: { generationConfig: { responseMimeType: "application/json" } },
};

async function start(said: Parameters<typeof answers>[0], format: NewFormat, guard = "json_schema") {
  const upstream = await room.upstream(answers(said));
  return room.gateway(`
${providersAt(upstream.base_url)}
models: { chat: { targets: [${format}/m], guards: { output: [${guard}] } } }
`);
}

for (const format of NEW_FORMATS)
  describe(`for clients of ${format}`, () => {
    for (const is_stream of [false, true]) {
      const how = is_stream ? "streamed" : "whole";

      test(`a valid answer passes, ${how}`, async () => {
        const gateway = await start(textAnswer('{"a": 1}'), format);
        const response = await gateway.fetch(...requestOf(format, is_stream, "x", ASKED[format]));
        expect(response.status).toBe(200);
        expect(await response.text()).not.toContain("content_blocked");
        expect(response.headers.get("x-venturi-guards")).toBeNull();
      });

      test(`what is not by the schema is blocked, ${how}`, async () => {
        const gateway = await start(textAnswer('{"a": "one"}'), format);
        const response = await gateway.fetch(...requestOf(format, is_stream, "x", ASKED[format]));
        expect(response.status).toBe(is_stream ? 200 : 400);
        const body = await response.text();
        expect(body).toContain("content_blocked");
        if (is_stream) {
          // A response that failed says nothing of the items that were under way.
          if (format !== "responses") expect(CHECKS[format](Buffer.from(body))).toEqual([]);
          // No good end stands in it.
          expect(body).not.toMatch(/message_stop|response\.completed|"finishReason"/);
        }
      });

      test(`what is no JSON at all is told, ${how}`, async () => {
        const gateway = await start(
          textAnswer("Sure! Here it is: {}"),
          format,
          "{ guard: json_schema, action: flag }",
        );
        const response = await gateway.fetch(...requestOf(format, is_stream, "x", ASKED[format]));
        expect(await response.text()).toContain("Her");
        await gateway.idle();
        expect(gateway.kept.rows().at(-1)?.guards).toEqual({ json_schema: "flag" });
      });

      test(`calls of tools are judged by nobody, ${how}`, async () => {
        const call = { kind: "tool_call", id: "call_1", name: "look", arguments: '{"b":2}' } as const;
        const gateway = await start(answerOf([call]), format);
        const response = await gateway.fetch(...requestOf(format, is_stream, "x", ASKED[format]));
        expect(response.status).toBe(200);
        expect(await response.text()).not.toContain("content_blocked");
      });
    }

    test("who asks for no JSON is let alone", async () => {
      const gateway = await start(textAnswer("Hello"), format);
      const response = await gateway.fetch(...requestOf(format, true));
      expect(dataOf(await response.text()).length).toBeGreaterThan(0);
    });

    const any = ANY[format];
    test.runIf(any !== undefined)("JSON alone may be asked for", async () => {
      for (const [text, status] of [
        ['{"any": [1]}', 200],
        ["[1", 400],
      ] as const) {
        const gateway = await start(textAnswer(text), format);
        const response = await gateway.fetch(...requestOf(format, false, "x", any));
        expect([text, response.status]).toEqual([text, status]);
      }
    });

    test("a schema that cannot be used is refused by its place", async () => {
      const gateway = await start(textAnswer("{}"), format);
      const bad = JSON.parse(JSON.stringify(ASKED[format]).replace('"integer"', '"nothing"')) as Record<
        string,
        unknown
      >;
      const response = await gateway.fetch(...requestOf(format, false, "x", bad));
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("cannot be used");
    });
  });
