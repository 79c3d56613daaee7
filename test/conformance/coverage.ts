// What of requests and answers is carried between each format of clients and each of providers, tried out.
// `bun test/conformance/coverage.ts > docs/providers.md` writes the page.

import { isDeepStrictEqual } from "node:util";
import { FORMATS, PROVIDER_FORMATS } from "../../src/dialects/formats.ts";
import type { ChatAnswer } from "../../src/dialects/neutral/answer.ts";
import { AnswerCollector, tellAnswer } from "../../src/dialects/neutral/collect.ts";
import { Losses } from "../../src/dialects/neutral/losses.ts";
import type { Part } from "../../src/dialects/neutral/parts.ts";
import type { ChatRequest } from "../../src/dialects/neutral/request.ts";
import { GatewayError } from "../../src/errors.ts";
import { ANSWERED, type Answered, CONTEXT, OTHERS, SIGNATURE, wholeAnswer } from "./coverage/answered.ts";
import { ASKED, type Asked, CLIENTS, type Client, type Json, type Searched } from "./coverage/asked.ts";

/** A format of providers, and the model that is asked in it. */
export interface Provider {
  readonly format: Client | Searched;
  readonly kind: string;
  readonly model: string;
}

/** Who is asked. */
export const PROVIDERS: readonly Provider[] = [
  { format: "chat", kind: "openai", model: "gpt-5" },
  { format: "responses", kind: "openai", model: "gpt-5" },
  { format: "messages", kind: "anthropic", model: "claude-sonnet-4-5" },
  { format: "gemini", kind: "gemini", model: "gemini-2.5-flash" },
  { format: "bedrock", kind: "bedrock", model: "anthropic.claude-sonnet-4-5-20250929-v1:0" },
  { format: "cohere", kind: "cohere", model: "command-a-reasoning-08-2025" },
  { format: "ollama", kind: "ollama", model: "gpt-oss:20b" },
];

/**
 * What becomes of a thing. `changed`: in part, or in other words; `fetched`: a URL whose bytes the gateway fetches; `dropped`: left out, and
 * named in the losses; `silent`: left out without a word, which is a defect; null: there is nothing to carry.
 */
export type Fate = "carried" | "fetched" | "changed" | "dropped" | "silent" | null;

const SIGNS: Readonly<Record<NonNullable<Fate>, string>> = {
  carried: "yes",
  fetched: "fetched",
  changed: "changed",
  dropped: "no",
  silent: "silent",
};

function isNothing(said: unknown): boolean {
  return said === null || said === undefined || (Array.isArray(said) && said.length === 0);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

/** A client's request, read. */
function readAsked(client: Client, body: Json): ChatRequest {
  const read = FORMATS[client]!.format.readRequest(body, { model: "m", stream: false });
  if (read instanceof GatewayError) throw new Error(`${client}: ${read.param}: ${read.message}`);
  return read;
}

/** A request as the gateway sends it where a provider takes no URLs: the bytes in their place. */
function withBytes(request: ChatRequest, provider: Provider): ChatRequest {
  const { takesUrl } = PROVIDER_FORMATS[provider.format]!;
  const fetched = (part: Part): Part => {
    if (!("source" in part) || part.source.kind !== "url" || takesUrl(part.kind, part.source.url))
      return part;
    const media_type = part.kind === "image" ? "image/png" : "application/pdf";
    return { ...part, source: { kind: "base64", media_type, data: "ZmV0Y2hlZA==" } } as Part;
  };
  const messages = request.messages.map((message) => ({ ...message, parts: message.parts.map(fetched) }));
  return { ...request, messages };
}

/** What becomes of something that a client asks. */
export function fateOfAsked(asked: Asked, client: Client, provider: Provider): Fate {
  const body = asked.bodies[client];
  if (body === undefined) return null;
  const read = readAsked(client, body);
  if (isNothing(asked.said(read))) throw new Error(`${client} does not say: ${asked.name}`);
  const given = withBytes(read, provider);
  const is_fetched = JSON.stringify(given) !== JSON.stringify(read);
  const losses = new Losses("drop", provider.kind);
  const { format } = PROVIDER_FORMATS[provider.format]!;
  const target = { model: provider.model, provider_kind: provider.kind };
  const written = plain(format.writeRequest(given, target, losses)) as Json;
  const found = foundIn(asked, given, written, provider, is_fetched);
  const is_told = losses.dropped.length > 0;
  if (found === "nothing") return is_told ? "dropped" : "silent";
  if (found === "part" || is_told) return "changed";
  return is_fetched ? "fetched" : "carried";
}

function foundIn(
  asked: Asked,
  given: ChatRequest,
  written: Json,
  { format }: Provider,
  is_fetched: boolean,
): "all" | "part" | "nothing" {
  if (isClient(format)) {
    const said = plain(asked.said(readAsked(format, written)));
    if (isNothing(said)) return "nothing";
    return isDeepStrictEqual(said, plain(asked.said(given))) ? "all" : "part";
  }
  const { marks } = asked;
  const wanted = is_fetched ? ["ZmV0Y2hlZA=="] : "bedrock" in marks ? marks[format] : marks;
  const text = JSON.stringify(written);
  const there = wanted.filter((mark) => text.includes(mark)).length;
  return there === 0 ? "nothing" : there === wanted.length ? "all" : "part";
}

function isClient(format: Client | Searched): format is Client {
  return (CLIENTS as readonly string[]).includes(format);
}

/** What a provider answers, read. */
function readAnswered({ format }: Provider): ChatAnswer {
  return PROVIDER_FORMATS[format]!.format.readAnswer(
    isClient(format) ? writtenAnswer(format) : OTHERS[format],
  )!;
}

function writtenAnswer(format: Client): Json {
  const body = plain(FORMATS[format]!.format.writeAnswer(wholeAnswer(format), CONTEXT)) as Json;
  // Gemini itself tells the tier, which is not written for its clients.
  return format === "gemini" ? withTier(body) : body;
}

function withTier({ usageMetadata, ...others }: Json): Json {
  return { ...others, usageMetadata: { ...(usageMetadata as Json), serviceTier: "PRIORITY" } };
}

/** An answer as a client gets it, whole and streamed, read. */
function given(answer: ChatAnswer, client: Client): readonly ChatAnswer[] {
  const { format } = FORMATS[client]!;
  const whole = format.readAnswer(plain(format.writeAnswer(answer, CONTEXT)) as Json)!;
  const collector = new AnswerCollector();
  const reader = format.readStream((event) => collector.take(event));
  const writer = format.writeStream(CONTEXT);
  tellAnswer(answer, (event) => reader.feed(Buffer.from(writer.write(event))));
  reader.close();
  return [whole, collector.answer()];
}

/** What becomes of something that a provider answers, whole and streamed. */
export function fateOfAnswered({ said }: Answered, client: Client, provider: Provider): readonly Fate[] {
  const answer = readAnswered(provider);
  const told = plain(said(answer));
  if (isNothing(told)) return [null, null];
  return given(answer, client).map((read) => {
    const got = plain(said(read));
    if (isNothing(got)) return "dropped";
    return isDeepStrictEqual(got, told) ? "carried" : "changed";
  });
}

/** The next turn of a conversation: the client says again what it was answered, as it came, and the tools' results. */
const NEXT: Readonly<Record<Client, (answer: Json) => Json>> = {
  chat: ({ choices }) => ({
    model: "m",
    messages: [
      { role: "user", content: "hi" },
      (choices as { message: Json }[])[0]!.message,
      { role: "tool", tool_call_id: "call_a", content: "20" },
      { role: "tool", tool_call_id: "call_b", content: "30" },
    ],
  }),
  responses: ({ output }) => ({
    model: "m",
    input: [
      { role: "user", content: "hi" },
      ...(output as Json[]),
      { type: "function_call_output", call_id: "call_a", output: "20" },
      { type: "function_call_output", call_id: "call_b", output: "30" },
    ],
  }),
  messages: ({ content }) => ({
    ...{ model: "m", max_tokens: 9000, thinking: { type: "enabled", budget_tokens: 5000 } },
    messages: [
      { role: "user", content: "hi" },
      { role: "assistant", content },
      {
        role: "user",
        content: ["call_a", "call_b"].map((tool_use_id) => ({
          ...{ type: "tool_result", tool_use_id, content: "20" },
        })),
      },
    ],
  }),
  gemini: ({ candidates }) => ({
    contents: [
      { role: "user", parts: [{ text: "hi" }] },
      (candidates as { content: Json }[])[0]!.content,
      {
        role: "user",
        parts: ["call_a", "call_b"].map((id) => ({
          functionResponse: { id, name: "weather", response: { output: "20" } },
        })),
      },
    ],
  }),
};

/** What becomes of a provider's thoughts when the client says them again: their signature, or their text where they have none. */
export function fateOfThoughts(client: Client, provider: Provider): Fate {
  const answer = readAnswered(provider);
  const thoughts = answer.choices[0]!.parts.filter((part) => part.kind === "thinking");
  const is_signed = thoughts.some(({ signature, encrypted }) => (signature ?? encrypted) !== undefined);
  if (thoughts.length === 0) return null;
  const body = plain(FORMATS[client]!.format.writeAnswer(answer, CONTEXT)) as Json;
  const read = readAsked(client, NEXT[client](body));
  const losses = new Losses("drop", provider.kind);
  const target = { model: provider.model, provider_kind: provider.kind };
  const { format } = PROVIDER_FORMATS[provider.format]!;
  const text = JSON.stringify(format.writeRequest({ ...read, reasoning: { effort: "low" } }, target, losses));
  if (text.includes(is_signed ? SIGNATURE : "Two cities.")) return "carried";
  if (text.includes("Two cities.")) return "changed";
  return losses.dropped.length > 0 ? "dropped" : "silent";
}

const HEAD = `# What is carried between formats

Clients of four formats, models of seven: what of requests and answers gets there. This page is written by trying it out, and a test holds it
(\`bun test/conformance/coverage.ts > docs/providers.md\` makes it so). How formats are translated, and what \`on_unsupported\` does about
what cannot be carried: [formats.md](formats.md).

| | |
| --- | --- |
| yes | gets there as it was said |
| fetched | the provider takes no such URL: the gateway fetches the bytes |
| changed | gets there in part, or in the provider's own words |
| no | has no words there: what is asked is left out and named in \`x-venturi-dropped\`, or refuses the call; what is answered is left out |
| – | the provider's format does not say it |

Rows that are not there are what the client's format has no words for. Where a client's stream carries another thing than a whole answer, both are told.
Where client and provider speak alike, the bytes go through as they came: their column is what is kept where the gateway has to read and write them.
The models asked: `;

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function tableOf(first: string, rows: readonly (readonly string[])[]): string {
  const names = PROVIDERS.map(({ format }) => format as string);
  return [row([first, ...names]), row(["---", ...names.map(() => "---")]), ...rows.map(row)].join("\n");
}

function sign(fate: Fate): string {
  return fate === null ? "–" : SIGNS[fate];
}

function requestsOf(client: Client): string {
  const said = ASKED.filter(({ bodies }) => bodies[client] !== undefined);
  const rows = said.map((asked) => [
    asked.name,
    ...PROVIDERS.map((provider) => sign(fateOfAsked(asked, client, provider))),
  ]);
  const thoughts = PROVIDERS.map((provider) => sign(fateOfThoughts(client, provider)));
  return tableOf("asked", [...rows, ["thoughts said again, with their signature", ...thoughts]]);
}

function answersOf(client: Client): string {
  const rows = ANSWERED.map((answered) => [
    answered.name,
    ...PROVIDERS.map((provider) => {
      const [whole, streamed] = fateOfAnswered(answered, client, provider).map(sign);
      return whole === streamed ? whole! : `${whole} (streamed: ${streamed})`;
    }),
  ]);
  return tableOf("answered", rows);
}

const TITLES: Readonly<Record<Client, string>> = {
  chat: "Clients of chat completions",
  responses: "Clients of Responses",
  messages: "Clients of Messages",
  gemini: "Clients of Gemini's",
};

/** The whole page. */
export function coveragePage(): string {
  const models = PROVIDERS.map(({ format, kind, model }) => `\`${model}\` of \`${kind}\` in ${format}`);
  const tables = CLIENTS.map(
    (client) => `## ${TITLES[client]}\n\n${requestsOf(client)}\n\n${answersOf(client)}\n`,
  );
  return `${HEAD}${models.join(", ")}.\n\n${tables.join("\n")}`;
}

if (import.meta.main) process.stdout.write(coveragePage());
