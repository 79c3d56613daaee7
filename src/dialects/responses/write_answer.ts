// An answer as a whole response object.

import type { ChatAnswer } from "../neutral/answer.ts";
import type { AnswerContext } from "../neutral/format.ts";
import { LogprobsByText } from "../neutral/logprobs.ts";
import type { Part, RefusalPart, TextPart } from "../neutral/parts.ts";
import { SERVER_ERROR } from "./error.ts";
import { writeFinish } from "./finish.ts";
import { beginning, callItem, ItemIds, imageItem, reasoningItem, signatureItem } from "./output_items.ts";
import { type Fields, others, ownFields } from "./own.ts";
import { ResponseObject } from "./response_object.ts";
import { writeOutputText, writeRefusal } from "./write_content.ts";
import { writeUsage } from "./write_usage.ts";

const ID = new Set(["id"]);

/** Writes a response; of several answers the first, as this format has but one. */
export function writeAnswer(answer: ChatAnswer, context: AnswerContext): Fields {
  const choice = answer.choices[0];
  const parts = choice?.parts ?? [];
  const finish = choice?.finish ?? null;
  const response = new ResponseObject(answer, context);
  const own = ownFields(answer);
  const ending = writeFinish(
    finish,
    parts.some((part) => part.kind === "refusal"),
  );
  const texts = parts.filter(({ kind }) => kind === "text").length;
  const logprobs = new LogprobsByText(choice?.logprobs ?? [], texts);
  const output = new OutputWriter(context.call_id, ending.status, logprobs).write(parts);
  const failure = own["error"] ?? { code: SERVER_ERROR, message: "The answer was broken off." };
  return response.in({
    status: ending.status,
    completed_at: ending.status === "completed" ? completedAt(own, response, context) : null,
    error: ending.status === "failed" ? (failure as Fields) : null,
    incomplete_details: ending.incomplete_details,
    output,
    usage: writeUsage(answer.usage),
  });
}

function completedAt(own: Fields, response: ResponseObject, { now_s }: AnswerContext): number {
  const told = own["completed_at"];
  return typeof told === "number" ? told : Math.max(response.created_at, now_s);
}

/** Writes the output of one answer. */
class OutputWriter {
  readonly #ids: ItemIds;
  readonly #end_status: string;
  readonly #logprobs: LogprobsByText;
  readonly #items: Fields[] = [];
  #said: (TextPart | RefusalPart)[] = [];

  constructor(call_id: string, end_status: string, logprobs: LogprobsByText) {
    this.#ids = new ItemIds(call_id);
    this.#end_status = end_status === "completed" ? "completed" : "incomplete";
    this.#logprobs = logprobs;
  }

  write(parts: readonly Part[]): readonly Fields[] {
    for (const [index, part] of parts.entries()) {
      const status = index === parts.length - 1 ? this.#end_status : "completed";
      if (part.kind === "text" || part.kind === "refusal") {
        if (beginning(part) !== null) this.#endMessage("completed");
        this.#said.push(part);
        if (part.kind === "text" && part.signature !== undefined) {
          this.#endMessage(status);
          this.#items.push(signatureItem("before", part.signature, this.#ids.of("rs", undefined)));
        }
        continue;
      }
      this.#endMessage("completed");
      this.#writePart(part, status);
    }
    this.#endMessage(this.#end_status);
    return this.#items;
  }

  #writePart(part: Exclude<Part, TextPart | RefusalPart>, status: string): void {
    switch (part.kind) {
      case "thinking":
        this.#items.push(reasoningItem(part, this.#ids.of("rs", part.id)));
        return;
      case "tool_call": {
        if (part.signature !== undefined)
          this.#items.push(signatureItem("behind", part.signature, this.#ids.of("rs", undefined)));
        const id = this.#ids.of(part.is_custom === true ? "ctc" : "fc", ownFields(part)["id"]);
        this.#items.push(callItem(part, id, this.#ids.ofCall(part.id), status));
        return;
      }
      case "image": {
        const item = imageItem(part, this.#ids.of("ig", ownFields(part)["id"]));
        if (item !== null) this.#items.push(item);
        return;
      }
      case "own":
        if (part.format === "responses") this.#items.push(part.value);
    }
  }

  #endMessage(status: string): void {
    const [first] = this.#said;
    if (first === undefined) return;
    const own = beginning(first) ?? {};
    const content = this.#said.map((part) =>
      part.kind === "text" ? writeOutputText(part, this.#logprobs.next(part.text)) : writeRefusal(part),
    );
    this.#said = [];
    this.#items.push({
      ...{ id: this.#ids.of("msg", own["id"]), type: "message", status, content, role: "assistant" },
      ...others(own, ID),
    });
  }
}
