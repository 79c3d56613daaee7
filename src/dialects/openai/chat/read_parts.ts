// The parts that a content is made of: OpenAI's (API reference, "Create chat completion", `messages`), and those of who took the format
// over: Mistral's (docs.mistral.ai/api, `ContentChunk`), Perplexity's files, vLLM's audio and video URLs. The same ones stand in answers.

import { Checked } from "../../checked.ts";
import { isFields, list } from "../../fields.ts";
import type { CacheMark, Citation, OwnFields, OwnPart, Part, Source } from "../../neutral/parts.ts";
import { sourceOfUrl } from "../../neutral/source.ts";
import { readCitations } from "./citations.ts";
import { audioType, fileType } from "./media.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads one part. What its type is and how it looks is the reader's own affair; faults name the part's fields. */
type PartReader = (part: Checked) => Part | null;

const NO_FIELDS: ReadonlySet<string> = new Set();

const READERS: Readonly<Record<string, PartReader>> = {
  text: readText,
  image_url: (part) => {
    const { url, others } = readUrl(part, "image_url");
    const detail = others?.["detail"];
    return { kind: "image", source: sourceOfUrl(url), ...(typeof detail === "string" ? { detail } : {}) };
  },
  input_audio: readAudio,
  audio_url: (part) => ({ kind: "audio", source: sourceOfUrl(readUrl(part, "audio_url").url) }),
  video_url: (part) => ({ kind: "video", source: sourceOfUrl(readUrl(part, "video_url").url) }),
  file: readFile,
  document_url: (part) => readFileUrl(part, "document_url", "document_name"),
  file_url: (part) => readFileUrl(part, "file_url", "file_name"),
  refusal: (part) => ({ kind: "refusal", text: part.needText("refusal") }),
  thinking: readThinking,
};

/** Marks of a prompt cache: Anthropic's, as OpenRouter and LiteLLM take them, and OpenAI's (`prompt_cache_breakpoint`). */
const MARKS: ReadonlySet<string> = new Set(["cache_control", "prompt_cache_breakpoint"]);

/** Reads a content: a text, or parts. An empty text is no part. */
export function readContent(holder: Checked, name: string): readonly Part[] {
  const content = holder.fields[name];
  if (typeof content === "string") return content === "" ? [] : [{ kind: "text", text: content }];
  if (!holder.has(name)) return [];
  if (!Array.isArray(content)) {
    holder.faults.wrongType(holder.path(name), "a string or an array", content);
    return [];
  }
  return content.flatMap((value: unknown, index) => {
    if (typeof value === "string") return [{ kind: "text", text: value } as const];
    const path = `${holder.path(name)}[${index}]`;
    if (isFields(value)) return readPart(new Checked(value, path, holder.faults));
    holder.faults.wrongType(path, "an object", value);
    return [];
  });
}

/** Reads one part; one of a type that nobody else knows is kept as it is. */
export function readPart(part: Checked): readonly Part[] {
  const type = part.needText("type");
  if (type === "") return [];
  if (!Object.hasOwn(READERS, type)) return [ownPart(part.fields)];
  const read = READERS[type]!(part);
  if (read === null || read.kind === "own") return read === null ? [] : [read];
  const cache = readCacheMark(part);
  return cache === null ? [read] : [{ ...read, cache }];
}

/** A part that only chat completions know. */
export function ownPart(value: Fields): OwnPart {
  return { kind: "own", format: "chat", value };
}

/** The mark that a prompt is to be cached up to here, or null. */
export function readCacheMark({ fields }: Checked): CacheMark | null {
  const { cache_control, prompt_cache_breakpoint } = fields;
  if (isFields(cache_control)) {
    const { ttl } = cache_control;
    return { ttl: ttl === "5m" || ttl === "1h" ? ttl : null };
  }
  return isFields(prompt_cache_breakpoint) ? { ttl: null } : null;
}

function readText(part: Checked): Part {
  const text = part.needText("text");
  const citations: readonly Citation[] = readCitations(part.fields["annotations"]);
  const own = othersOf(part, ["type", "text", "annotations"]);
  return { kind: "text", text, ...(citations.length === 0 ? {} : { citations }), ...own };
}

/** What a part has beside its known fields, to be kept. */
function othersOf(part: Checked, known: readonly string[]): { readonly own?: OwnFields } {
  const fields = part.others(new Set([...known, ...MARKS]));
  return fields === null ? {} : { own: { format: "chat", fields } };
}

/** A URL, in an object of its own (OpenAI) or not (Mistral). */
function readUrl(part: Checked, name: string): { readonly url: string; readonly others: Fields | null } {
  const value = part.fields[name];
  if (typeof value === "string") return { url: value, others: null };
  if (!part.has(name)) {
    part.faults.missing(part.path(name));
    return { url: "", others: null };
  }
  const object = part.object(name);
  return { url: object?.needText("url") ?? "", others: object?.others(NO_FIELDS) ?? null };
}

function readAudio(part: Checked): Part | null {
  const value = part.fields["input_audio"];
  // Mistral takes a URL, or base64 alone.
  if (typeof value === "string") return { kind: "audio", source: sourceOfAudio(value, "wav") };
  if (!part.has("input_audio")) part.faults.missing(part.path("input_audio"));
  const audio = part.object("input_audio");
  if (audio === null) return null;
  return { kind: "audio", source: sourceOfAudio(audio.needText("data"), audio.text("format") ?? "wav") };
}

function sourceOfAudio(data: string, format: string): Source {
  return isAddress(data) ? sourceOfUrl(data) : { kind: "base64", media_type: audioType(format), data };
}

/** Whether a text is a URL rather than base64, which has no colon. */
function isAddress(text: string): boolean {
  return text.slice(0, 16).includes(":");
}

function readFile(part: Checked): Part | null {
  if (!part.has("file")) part.faults.missing(part.path("file"));
  const file = part.object("file");
  if (file === null) return null;
  const name = file.text("filename") ?? undefined;
  const data = file.text("file_data");
  const id = file.text("file_id");
  if (data === null && id === null) file.faults.missing(file.path("file_data"));
  const source: Source =
    data === null ? { kind: "file", id: id ?? "" } : sourceOfFile(data, file.text("format"), name);
  return { kind: "file", source, ...(name === undefined ? {} : { name }) };
}

/** @param format LiteLLM's field: the media type, for a URL or an id that does not tell it */
function sourceOfFile(data: string, format: string | null, name: string | undefined): Source {
  if (isAddress(data)) return sourceOfUrl(data);
  return { kind: "base64", media_type: format ?? fileType(name), data };
}

function readFileUrl(part: Checked, field: string, name_field: string): Part {
  const name = part.text(name_field) ?? undefined;
  const { url } = readUrl(part, field);
  return { kind: "file", source: sourceOfFile(url, null, name), ...(name === undefined ? {} : { name }) };
}

/** Mistral's thoughts are parts themselves; LiteLLM's clients send Anthropic's text with its signature. */
function readThinking(part: Checked): Part {
  const { thinking, signature } = part.fields;
  const signed =
    typeof signature === "string" && signature !== ""
      ? { signature: { format: "messages", value: signature } as const }
      : {};
  return { kind: "thinking", text: thinkingText(thinking), ...signed };
}

/** The text of a `thinking` field. */
export function thinkingText(thinking: unknown): string {
  if (typeof thinking === "string") return thinking;
  return list(thinking)
    .map((piece) => (isFields(piece) ? piece["text"] : null))
    .filter((text) => typeof text === "string")
    .join("");
}

/** The image that a URL in an answer stands for (OpenRouter, "Image generation", `images`). */
export function readImages(images: unknown): readonly Part[] {
  return list(images).flatMap((image) => {
    const holder = isFields(image) ? image["image_url"] : null;
    const url = isFields(holder) ? holder["url"] : holder;
    return typeof url === "string" ? [{ kind: "image", source: sourceOfUrl(url) } as const] : [];
  });
}
