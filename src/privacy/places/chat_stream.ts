// The texts in a stream of chat or legacy completions: those of its choices.

import { isFields } from "../../dialects/fields.ts";
import { isDone } from "../../dialects/openai/stream.ts";
import { ANSWER_MESSAGE } from "../answer_places.ts";
import {
  type EventTexts,
  findTexts,
  type GrowingPiece,
  type Path,
  type StreamPlaces,
  type WholeText,
} from "../stream_places.ts";

/** How the names of all the texts begin that tell a reasoning. */
const REASONING = "delta.reasoning";
/** And those that come whole: titles, addresses. */
const ANNOTATIONS = "delta.annotations";
/** What a chunk that is put in has of the chunk before it. */
const COMMON = ["id", "object", "created", "model", "system_fingerprint", "service_tier"];

/** The places of a stream. */
export const CHAT_STREAM: StreamPlaces = { number_member: null, isEnd: isDone, read };

function read(chunk: Readonly<Record<string, unknown>>): EventTexts | null {
  const { choices } = chunk;
  if (!Array.isArray(choices)) return null;
  const growing: GrowingPiece[] = [];
  const whole: WholeText[] = [];
  const ended: string[] = [];
  for (let position = 0; position < choices.length; position++) {
    const choice: unknown = choices[position];
    if (!isFields(choice)) continue;
    const index = typeof choice["index"] === "number" ? choice["index"] : position;
    const scope = String(index);
    const onWhole = (came: string, _: string, path: Path) => {
      whole.push({ came, path: ["choices", position, ...path], is_json: false });
    };
    const onText = (came: string, name: string, path: Path) => {
      if (name.startsWith(ANNOTATIONS)) return onWhole(came, name, path);
      if (came === "") return;
      growing.push({
        ...{ name: `${scope}.${name}`, scope, came },
        kind: name.startsWith(REASONING) ? REASONING : name,
        path: ["choices", position, ...path],
        frame: (more) => {
          const { before, after } = frameOf(index, choice, path);
          return `data: {${commonMembers(chunk)}"choices":[${before}${JSON.stringify(more)}${after}]}\n\n`;
        },
      });
    };
    const { delta, text, message, finish_reason } = choice;
    if (typeof text === "string") onText(text, "text", ["text"]);
    if (isFields(delta)) findTexts(delta, ANSWER_MESSAGE, "delta", ["delta"], onText);
    // Some providers say the whole answer again in each chunk.
    if (isFields(message)) findTexts(message, ANSWER_MESSAGE, "message", ["message"], onWhole);
    if (typeof finish_reason === "string" && finish_reason !== "") ended.push(scope);
  }
  return { growing, whole, ended };
}

/** What stands before and behind the text at `path` in a choice that says nothing else. */
function frameOf(
  index: number,
  choice: unknown,
  path: Path,
): { readonly before: string; readonly after: string } {
  let before = `{"index":${index},`;
  let after = path[0] === "text" ? ',"logprobs":null,"finish_reason":null}' : ',"finish_reason":null}';
  let value = choice;
  let is_open = true;
  for (const step of path) {
    if (typeof step === "number") {
      value = Array.isArray(value) ? value[step] : null;
      is_open = isFields(value);
      before += is_open ? `[{${identityOf(value)}` : "[";
      after = is_open ? `}]${after}` : `]${after}`;
    } else {
      value = isFields(value) ? value[step] : null;
      before += `${is_open ? "" : "{"}${JSON.stringify(step)}:`;
      if (!is_open) after = `}${after}`;
      is_open = false;
    }
  }
  return { before, after };
}

/** By what an element of an array is told from others, with a comma behind it. */
function identityOf(element: unknown): string {
  if (!isFields(element)) return "";
  const { index, type } = element;
  if (typeof index === "number") return `"index":${index},`;
  return typeof type === "string" ? `"type":${JSON.stringify(type)},` : "";
}

function commonMembers(chunk: Readonly<Record<string, unknown>>): string {
  return COMMON.map((name) => {
    const value = chunk[name];
    return value === undefined ? "" : `"${name}":${JSON.stringify(value)},`;
  }).join("");
}
