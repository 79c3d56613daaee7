// A room for tests of whole clients: a model that looks up the weather of two cities at once, at an upstream of every format, behind a gateway.

import { FORMATS } from "../../src/dialects/formats.ts";
import type { ChatAnswer } from "../../src/dialects/neutral/answer.ts";
import type { ChatRequest } from "../../src/dialects/neutral/request.ts";
import {
  answerOf,
  askedIn,
  asksStream,
  beginStream,
  type Format,
  providersAt,
  streamOf,
  wholeOf,
} from "../gateway/format_calls.ts";
import type { Rig } from "../gateway/harness.ts";

type Json = Record<string, unknown>;

/** The formats that upstreams speak here. */
export const PROVIDERS = ["chat", "messages", "gemini", "responses"] as const;

/** What the model says to who has no tools, and at the end to who has. */
export const GREETING = "Grüße aus Köln 😀 – 你好";
export const FORECAST = "Both: 20 in Köln and 20 in 東京";

/** The tool that clients have: its schema, and what it gives. */
export const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
export const weatherIn = ({ city }: { city: string }) => `20 in ${city}`;

/** What a model of these tests says: it thinks, asks for the weather of two cities at once, and then tells it. */
function weatherman(format: Format, asked: ChatRequest): ChatAnswer {
  const results = asked.messages.flatMap(({ parts }) =>
    parts.flatMap((part) => (part.kind === "tool_result" ? [part] : [])),
  );
  if (asked.tools.length === 0) return answerOf([{ kind: "text", text: GREETING }]);
  if (results.length === 0) {
    return answerOf([
      { kind: "thinking", text: "Two cities.", signature: { format, value: "c2lnbmF0dXJl" } },
      { kind: "text", text: "I look." },
      { kind: "tool_call", id: "call_a", name: "weather", arguments: '{"city":"Köln"}' },
      { kind: "tool_call", id: "call_b", name: "weather", arguments: '{"city":"東京"}' },
    ]);
  }
  const told = results
    .flatMap(({ content }) => content.map((part) => (part.kind === "text" ? part.text : "")))
    .join(" and ");
  return answerOf([{ kind: "text", text: `Both: ${told}` }]);
}

/** An upstream of every format that reads what it is asked; its streams are cut within characters. */
export async function weatherRoom(room: Rig, provider: Format) {
  const asked: ChatRequest[] = [];
  const upstream = await room.upstream(async (request, reply) => {
    const format = askedIn(request.path);
    const stream = asksStream(request.path, request.json());
    const read = FORMATS[format]!.format.readRequest(request.json() as Json, { model: "m", stream });
    if ("code" in read) {
      // As Anthropic says that it does not hold a conversation: then its SDK sends the whole of it.
      const { message, code: error_code } = read;
      const error = { type: "not_found_error", message, details: { error_code } };
      return reply.json(404, { type: "error", error });
    }
    asked.push(read);
    const answer = weatherman(format, read);
    if (!stream) return reply.json(200, JSON.parse(wholeOf(format, answer).toString()));
    await beginStream(reply);
    const bytes = streamOf(format, answer, (text) => text.match(/.{1,2}/gsu) ?? []);
    for (let at = 0; at < bytes.length; at += 97) await reply.chunk(bytes.subarray(at, at + 97));
  });
  const gateway = room.gateway(`${providersAt(upstream.base_url)}
models: { weather: { targets: [${provider}/m], retries: { attempts: 0 } } }
keys: [{ name: acme-key, key: key-of-acme, tenant: acme }]`);
  return { gateway, asked };
}
