// Recorded streams in which the model writes placeholders: words of their texts are replaced, and the texts cut anew.

import { isFields } from "../../src/dialects/fields.ts";
import { eventsOf } from "../gateway/harness.ts";

type Json = Record<string, unknown>;

const TEXTS = ["content", "reasoning_content", "reasoning", "refusal", "text"];

/** A text of a chunk, which can be changed in place. */
interface Slot {
  readonly name: string;
  readonly holder: Json;
  readonly key: string;
}

function slotsOf(chunk: Json): Slot[] {
  const choices = Array.isArray(chunk["choices"]) ? (chunk["choices"] as Json[]) : [];
  return choices.flatMap((choice, position) => {
    const index = choice["index"] ?? position;
    const delta = isFields(choice["delta"]) ? choice["delta"] : {};
    const slots = [choice, delta].flatMap((holder) =>
      TEXTS.filter((key) => typeof holder[key] === "string").map((key) => ({
        name: `${index}.${key}`,
        holder,
        key,
      })),
    );
    const calls = Array.isArray(delta["tool_calls"]) ? (delta["tool_calls"] as Json[]) : [];
    for (const [at, call] of calls.entries()) {
      const called = call["function"];
      if (!isFields(called) || typeof called["arguments"] !== "string") continue;
      slots.push({ name: `${index}.call.${call["index"] ?? at}`, holder: called, key: "arguments" });
    }
    return slots;
  });
}

/** Pieces of a text, one for each slot that it had; `cut` says where. */
function pieces(text: string, count: number, cut: (limit: number) => number): string[] {
  const ends = Array.from({ length: count - 1 }, () => cut(text.length + 1)).sort((a, b) => a - b);
  return [...ends, text.length].map((end, index) => text.slice(index === 0 ? 0 : ends[index - 1]!, end));
}

/**
 * A recorded stream whose texts went through `write`, cut at random places into as many pieces as they had. Null where it has no text or
 * where nothing of it was written anew.
 */
export function planted(
  body: Buffer,
  write: (text: string) => string,
  cut: (limit: number) => number,
): Buffer | null {
  const events = eventsOf(body.toString("latin1")).map(({ raw, data }) => {
    const text = data === null || data === "[DONE]" ? null : Buffer.from(data, "latin1").toString();
    return { raw, chunk: text === null ? null : (JSON.parse(text) as Json) };
  });
  const by_name = new Map<string, Slot[]>();
  for (const { chunk } of events) {
    for (const slot of chunk === null ? [] : slotsOf(chunk)) {
      if (slot.holder[slot.key] === "") continue;
      by_name.set(slot.name, [...(by_name.get(slot.name) ?? []), slot]);
    }
  }
  let is_changed = false;
  for (const slots of by_name.values()) {
    const text = slots.map(({ holder, key }) => holder[key]).join("");
    const written = write(text);
    is_changed ||= written !== text;
    pieces(written, slots.length, cut).forEach((piece, index) => {
      const { holder, key } = slots[index]!;
      holder[key] = piece;
    });
  }
  if (!is_changed) return null;
  return Buffer.concat(
    events.map(({ raw, chunk }) =>
      chunk === null ? Buffer.from(raw, "latin1") : Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`),
    ),
  );
}

/** Replaces words by turns with these; within JSON too, where it stays valid. */
export function plant(text: string, placeholders: readonly string[]): string {
  let turn = 0;
  return text.replace(
    /(?<![\\\w])(?!false\b)[a-z]{5,}(?!\w)/g,
    () => placeholders[turn++ % placeholders.length]!,
  );
}

/** A stream in which each event that has one text has one character of it, for as long as it lasts. */
export function inCharacters(stream: Buffer): Buffer {
  return Buffer.concat(
    eventsOf(stream.toString("latin1")).flatMap(({ raw, data }) => {
      const text = data === null || data === "[DONE]" ? null : Buffer.from(data, "latin1").toString();
      const [slot, ...others] = text === null ? [] : slotsOf(JSON.parse(text) as Json);
      const said = slot?.holder[slot.key];
      if (text === null || others.length > 0 || typeof said !== "string" || said === "")
        return [Buffer.from(raw, "latin1")];
      const characters = said.split("");
      return characters.map((character, at) => {
        const chunk = JSON.parse(text) as Json;
        const [own] = slotsOf(chunk);
        own!.holder[own!.key] = character;
        if (at < characters.length - 1)
          for (const choice of chunk["choices"] as Json[]) choice["finish_reason"] = null;
        return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
      });
    }),
  );
}
