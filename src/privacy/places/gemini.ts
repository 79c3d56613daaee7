// What the places of a request in Gemini's format, of its answer and of its stream hold. Names of fields may be written in both of its ways.
// What is new in the format tomorrow is text, too.

import { isFields, list, record } from "../../dialects/fields.ts";
import type { AnswerTreatment } from "../answer_places.ts";
import { JSON_TEXT, KEEP, type RequestTreatment, SCHEMA, TEXT } from "../request_places.ts";
import {
  type EventTexts,
  findWholes,
  type GrowingPiece,
  type Path,
  type StreamPlaces,
  type WholeText,
} from "../stream_places.ts";
import { jsonRule, type Rule, rule } from "../walk.ts";

/** Members by their names, in camel case and with underscores. */
function both<T extends string>(members: Readonly<Record<string, Rule<T>>>): Record<string, Rule<T>> {
  const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(
    Object.entries(members).flatMap(([name, place]) => [
      [name, place],
      [snake(name), place],
    ]),
  );
}

const MEDIA: Readonly<Record<string, Rule<RequestTreatment>>> = {
  inlineData: rule<RequestTreatment>("text", both<RequestTreatment>({ data: KEEP, mimeType: KEEP })),
  fileData: rule<RequestTreatment>("text", both<RequestTreatment>({ fileUri: KEEP, mimeType: KEEP })),
};

/** A call, or what came of it: what a tool is told and says may have members of any name. */
const CALLED = rule<RequestTreatment>("text", {
  ...{ id: KEEP, name: KEEP, args: JSON_TEXT, response: JSON_TEXT },
  parts: rule<RequestTreatment>("text", both(MEDIA)),
});

const PART = rule<RequestTreatment>(
  "text",
  both({
    ...MEDIA,
    functionCall: CALLED,
    functionResponse: CALLED,
    thoughtSignature: KEEP,
    videoMetadata: KEEP,
    mediaResolution: KEEP,
  }),
);

const CONTENT = rule<RequestTreatment>("text", { role: KEEP, parts: PART });

const DECLARATION = rule<RequestTreatment>(
  "text",
  both<RequestTreatment>({
    name: KEEP,
    behavior: KEEP,
    parameters: SCHEMA,
    parametersJsonSchema: SCHEMA,
    response: SCHEMA,
    responseJsonSchema: SCHEMA,
  }),
);

/** The body of a request. */
export const GEMINI_REQUEST: Rule<RequestTreatment> = rule<RequestTreatment>(
  "text",
  both<RequestTreatment>({
    model: KEEP,
    contents: CONTENT,
    systemInstruction: CONTENT,
    tools: rule<RequestTreatment>("keep", both({ functionDeclarations: DECLARATION })),
    toolConfig: KEEP,
    safetySettings: KEEP,
    cachedContent: KEEP,
    labels: JSON_TEXT,
    generationConfig: rule<RequestTreatment>(
      "keep",
      both({ stopSequences: TEXT, responseSchema: SCHEMA, responseJsonSchema: SCHEMA }),
    ),
  }),
);

const ANSWER_KEEP = rule<AnswerTreatment>("keep");
const ANSWER_CALLED = rule<AnswerTreatment>("text", {
  ...{ id: ANSWER_KEEP, name: ANSWER_KEEP, args: jsonRule<AnswerTreatment>("text") },
});

/** A part of an answer. */
const ANSWER_PART: Rule<AnswerTreatment> = rule<AnswerTreatment>("text", {
  inlineData: ANSWER_KEEP,
  fileData: ANSWER_KEEP,
  functionCall: ANSWER_CALLED,
  functionResponse: ANSWER_CALLED,
  thoughtSignature: ANSWER_KEEP,
});

/** A candidate without the texts that grow in a stream. */
const CANDIDATE: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", {
  content: rule<AnswerTreatment>("keep", { parts: ANSWER_PART }),
  groundingMetadata: rule<AnswerTreatment>("keep", {
    groundingSupports: rule<AnswerTreatment>("text"),
    webSearchQueries: rule<AnswerTreatment>("text"),
  }),
});

/** A whole answer. */
export const GEMINI_ANSWER: Rule<AnswerTreatment> = rule<AnswerTreatment>("keep", { candidates: CANDIDATE });

/** The places of a stream. */
export const GEMINI_STREAM: StreamPlaces = { number_member: null, isEnd: () => false, read };

function read(answer: Readonly<Record<string, unknown>>): EventTexts | null {
  const { candidates } = answer;
  if (!Array.isArray(candidates)) return null;
  const growing: GrowingPiece[] = [];
  const whole: WholeText[] = [];
  const ended: string[] = [];
  const onWhole = (text: WholeText) => whole.push(text);
  candidates.forEach((candidate: unknown, position) => {
    if (!isFields(candidate)) return;
    const { index, content, finishReason, groundingMetadata } = candidate;
    const number = typeof index === "number" ? index : position;
    const scope = String(number);
    const at: Path = ["candidates", position];
    list(record(content)["parts"]).forEach((part, place) => {
      const { text, thought, thoughtSignature } = record(part);
      const path = [...at, "content", "parts", place];
      if (typeof text === "string") {
        const kind = thought === true ? "thought" : "text";
        if (text !== "") growing.push(pieceOf(answer, number, kind, [...path, "text"], text));
        // What is signed is whole.
        if (thoughtSignature !== undefined) ended.push(scope);
      } else {
        // A call ends the text before it.
        ended.push(scope);
        findWholes(part, ANSWER_PART, path, onWhole);
      }
    });
    if (groundingMetadata !== undefined) findWholes({ groundingMetadata }, CANDIDATE, at, onWhole);
    if (typeof finishReason === "string") ended.push(scope);
  });
  return { growing, whole, ended };
}

function pieceOf(
  answer: Readonly<Record<string, unknown>>,
  index: number,
  kind: "text" | "thought",
  path: Path,
  came: string,
): GrowingPiece {
  return {
    ...{ name: `${index}.${kind}`, scope: String(index), kind, path, came },
    frame: (text) => {
      const { modelVersion, responseId } = answer;
      const part = kind === "thought" ? { text, thought: true } : { text };
      const candidates = [{ content: { parts: [part], role: "model" }, index }];
      return `data: ${JSON.stringify({ candidates, modelVersion, responseId })}\r\n\r\n`;
    },
  };
}
