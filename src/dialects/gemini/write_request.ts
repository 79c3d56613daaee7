// A neutral request as a body of `generateContent`.
// Source: https://ai.google.dev/api/generate-content; what Vertex does otherwise:
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference

import { record } from "../fields.ts";
import type { RequestTarget } from "../neutral/format.ts";
import type { Losses } from "../neutral/losses.ts";
import type { Message, Part, ToolResultPart } from "../neutral/parts.ts";
import type { ChatRequest } from "../neutral/request.ts";
import { writeGenerationConfig } from "./generation_config.ts";
import { generationOf } from "./model.ts";
import { NO_SIGNATURE } from "./signature.ts";
import { writeToolChoice, writeTools } from "./tools.ts";
import {
  writeFunctionCall,
  writeFunctionResponse,
  writeMedia,
  writeText,
  writeThought,
} from "./write_parts.ts";

type Json = Readonly<Record<string, unknown>>;

interface Content {
  readonly role: "user" | "model";
  readonly parts: Json[];
}

/** The body of a request. Whether it streams is said by its path. */
export function writeGeminiRequest(request: ChatRequest, target: RequestTarget, losses: Losses): Json {
  const own = request.own?.format === "gemini" ? request.own.fields : {};
  const { model } = target;
  const writer = new ContentsWriter(target, losses);
  for (const message of request.messages) writer.add(message);
  const tools = writeTools(request.tools, losses);
  const calling = writeToolChoice(request.tool_choice, request.tools, generationOf(model) >= 2.5);
  const tool_config = record(own["toolConfig"]);
  const config = writeGenerationConfig(request, model, losses);
  const tier = writeTier(request.service_tier, losses);
  loseHints(request, losses);
  const calling_config = { ...calling, ...record(tool_config["functionCallingConfig"]) };
  return {
    ...own,
    ...writer.written(),
    ...(tools.length === 0 ? {} : { tools }),
    ...(Object.keys(calling_config).length === 0 && Object.keys(tool_config).length === 0
      ? {}
      : {
          toolConfig: {
            ...tool_config,
            ...(Object.keys(calling_config).length === 0 ? {} : { functionCallingConfig: calling_config }),
          },
        }),
    ...(Object.keys(config).length === 0 ? {} : { generationConfig: config }),
    ...(tier === undefined ? {} : { serviceTier: tier }),
  };
}

/** Gemini's tiers: https://ai.google.dev/gemini-api/docs/flex-inference, priority-inference. */
function writeTier(tier: string | null, losses: Losses): string | undefined {
  if (tier === null || tier === "auto") return undefined;
  if (tier === "default") return "standard";
  if (tier === "flex" || tier === "priority") return tier;
  losses.lose("service_tier", "hint");
  return undefined;
}

function loseHints(request: ChatRequest, losses: Losses): void {
  // Gemini always may call several functions at once.
  if (request.parallel_tool_calls === false) losses.lose("parallel_tool_calls", "hint");
  if (request.verbosity !== null) losses.lose("verbosity", "hint");
  if (request.user !== null) losses.lose("user", "hint");
  if (request.metadata !== null) losses.lose("metadata", "hint");
  if (request.prompt_cache_key !== null) losses.lose("prompt_cache_key", "hint");
}

/** Puts messages together into contents, whose roles take turns. */
class ContentsWriter {
  readonly #contents: Content[] = [];
  readonly #system: Json[] = [];
  readonly #losses: Losses;
  /** Names of the calls so far, by their ids, and which of them all they are. */
  readonly #calls = new Map<string, { readonly name: string; readonly order: number }>();
  #order = 0;
  /** The parts of the turn that the last call is in: its first call is the one that has to be signed. */
  #calling: Json[] | null = null;
  readonly #is_third: boolean;
  readonly #tells_id: boolean;
  /** Results that wait for the end of their turn, to be told in the order of their calls. */
  #results: ToolResultPart[] = [];

  constructor({ model, provider_kind }: RequestTarget, losses: Losses) {
    this.#losses = losses;
    const generation = generationOf(model);
    this.#is_third = generation >= 3;
    // Vertex knows no ids with models of before.
    this.#tells_id = this.#is_third || provider_kind !== "vertex";
  }

  add({ role, name, parts }: Message): void {
    if (name !== undefined && role !== "tool") this.#losses.lose("messages.name", "hint");
    if (role === "system" || role === "developer") {
      for (const part of parts) this.#addSystem(part);
    } else if (role === "assistant") {
      this.#tellResults();
      for (const part of parts) this.#addModel(part);
    } else {
      for (const part of parts) this.#addUser(part);
    }
  }

  /** The contents and the system's instruction. Where there is nothing but a system prompt, it is what the model is asked. */
  written(): Json {
    this.#tellResults();
    if (this.#contents.length === 0) return { contents: [{ role: "user", parts: this.#system }] };
    return {
      contents: this.#contents,
      ...(this.#system.length === 0 ? {} : { systemInstruction: { parts: this.#system } }),
    };
  }

  #addSystem(part: Part): void {
    const written = this.#plain(part);
    if (written !== null) this.#system.push(written);
  }

  #addModel(part: Part): void {
    switch (part.kind) {
      case "tool_call": {
        this.#calls.set(part.id, { name: part.name, order: this.#order++ });
        const parts = this.#partsOf("model");
        const is_first = this.#calling !== parts;
        this.#calling = parts;
        const signed = part.signature?.format === "gemini" ? part.signature.value : undefined;
        const signature = signed ?? (is_first && this.#is_third ? NO_SIGNATURE : undefined);
        parts.push(writeFunctionCall(part, this.#tells_id, signature));
        return;
      }
      case "thinking": {
        const signed = part.encrypted ?? part.signature;
        if (signed !== undefined && signed.format !== "gemini")
          this.#losses.lose("messages.reasoning", "hint");
        else if (part.text !== "" || signed !== undefined) this.#partsOf("model").push(writeThought(part));
        return;
      }
      case "tool_result":
        this.#results.push(part);
        return;
      default: {
        const written = this.#plain(part);
        if (written !== null) this.#partsOf("model").push(written);
      }
    }
  }

  #addUser(part: Part): void {
    if (part.kind === "tool_result") {
      this.#results.push(part);
      if (part.cache !== undefined) this.#losses.lose("messages.cache_control", "hint");
      return;
    }
    this.#tellResults();
    const written = this.#plain(part);
    if (written !== null) this.#partsOf("user").push(written);
  }

  /** A part that any role may say; null where it is left out. */
  #plain(part: Part): Json | null {
    if (part.kind !== "own" && part.cache !== undefined) this.#losses.lose("messages.cache_control", "hint");
    switch (part.kind) {
      case "text": {
        const { signature } = part;
        const is_foreign = signature !== undefined && signature.format !== "gemini";
        const { signature: _, ...unsigned } = part;
        if (part.text === "" && (signature === undefined || is_foreign)) return null;
        return writeText(part.text, is_foreign ? unsigned : part);
      }
      case "refusal":
        return part.text === "" ? null : { text: part.text };
      case "image":
      case "audio":
      case "video":
      case "file":
        return writeMedia(part, this.#losses);
      case "own":
        if (part.format === "gemini") return part.value;
        this.#losses.lose("messages.content", "hint");
        return null;
      default:
        // Calls and thoughts that a user or the system says.
        this.#losses.lose(`messages.content.${part.kind}`, "meaning");
        return null;
    }
  }

  /** The results of a turn, by the order of their calls: where ids are not told, it is what says whose each is. */
  #tellResults(): void {
    if (this.#results.length === 0) return;
    const results = this.#results.map((result) => ({ result, call: this.#calls.get(result.call_id) }));
    this.#results = [];
    results.sort((a, b) => (a.call?.order ?? Infinity) - (b.call?.order ?? Infinity) || 0);
    const media: Json[] = [];
    const parts = this.#partsOf("user");
    for (const { result, call } of results) {
      const name = call?.name ?? result.name ?? result.call_id;
      const [response, ...more] = writeFunctionResponse(result, name, {
        ...{ tells_id: this.#tells_id, takes_media: this.#is_third, losses: this.#losses },
      });
      parts.push(response!);
      media.push(...more);
    }
    // Responses stand together: their number is compared with the calls'.
    parts.push(...media);
  }

  #partsOf(role: "user" | "model"): Json[] {
    const last = this.#contents.at(-1);
    if (last?.role === role) return last.parts;
    const parts: Json[] = [];
    this.#contents.push({ role, parts });
    return parts;
  }
}
