// The content of messages and of tools' results: texts, images, files and sounds as Responses writes them.
// Source: OpenAI API reference, "Create a model response", `input` (types `ResponseInputContent`, `ResponseOutputText` of its SDK).

import { isFields, numberOf } from "../fields.ts";
import type { TokenLogprob } from "../neutral/answer.ts";
import type { Citation, Part, Source } from "../neutral/parts.ts";
import { readDataUrl, sourceOfUrl } from "../neutral/source.ts";
import type { Faults } from "./faults.ts";
import { type Fields, kept, others } from "./own.ts";

const TEXT = new Set(["type", "text"]);
const OUTPUT_TEXT = new Set(["type", "text", "annotations", "logprobs"]);
const REFUSAL = new Set(["type", "refusal"]);
const IMAGE = new Set(["type", "image_url", "file_id", "detail"]);
const FILE = new Set(["type", "file_data", "file_id", "file_url", "filename"]);
const AUDIO = new Set(["type", "input_audio"]);
const URL_CITATION = new Set(["type", "url", "title", "start_index", "end_index"]);

/** Media types of the sounds that `input_audio.format` names. */
const AUDIO_TYPES: Readonly<Record<string, string>> = { mp3: "audio/mpeg", wav: "audio/wav" };

/** A content: a text, or a list of parts. */
export function readContent(content: unknown, param: string, faults: Faults): Part[] {
  if (typeof content === "string") return [{ kind: "text", text: content }];
  if (!Array.isArray(content)) {
    faults.type(param, "a string or an array", content);
    return [];
  }
  return content.map((part, index) => {
    if (!isFields(part)) faults.type(`${param}[${index}]`, "an object", part);
    return readContentPart(isFields(part) ? part : {}, `${param}[${index}]`, faults);
  });
}

function readContentPart(part: Fields, param: string, faults: Faults): Part {
  switch (part["type"]) {
    case "input_text":
      faults.string(part["text"], `${param}.text`);
      return { kind: "text", text: `${part["text"]}`, ...cached(part), ...kept(others(part, TEXT)) };
    case "output_text":
      faults.string(part["text"], `${param}.text`);
      return readOutputText(part);
    case "refusal":
      return readRefusal(part);
    case "input_image": {
      const { detail } = part;
      const source = sourceOf(part["image_url"], part["file_id"]);
      if (source === null) {
        faults.missing(`${param}.image_url`);
        break;
      }
      return {
        ...{ kind: "image", source },
        ...(typeof detail === "string" ? { detail } : {}),
        ...cached(part),
        ...kept(others(part, IMAGE)),
      };
    }
    case "input_file": {
      const { file_data, file_url, file_id, filename } = part;
      const source = sourceOf(file_url, file_id) ?? dataOf(file_data);
      if (source === null) {
        faults.missing(`${param}.file_data`);
        break;
      }
      return {
        ...{ kind: "file", source },
        ...(typeof filename === "string" ? { name: filename } : {}),
        ...cached(part),
        ...kept(others(part, FILE)),
      };
    }
    case "input_audio": {
      const audio = faults.object(part["input_audio"], `${param}.input_audio`) ?? {};
      const data = faults.string(audio["data"], `${param}.input_audio.data`);
      const format = faults.string(audio["format"], `${param}.input_audio.format`);
      const media_type = AUDIO_TYPES[format] ?? `audio/${format}`;
      const source: Source = { kind: "base64", media_type, data };
      return { kind: "audio", source, ...kept(others(part, AUDIO)) };
    }
    case undefined:
      faults.missing(`${param}.type`);
  }
  return { kind: "own", format: "responses", value: part };
}

/** A text of the model's, with what it cites; its log probabilities are read by `readLogprobs`. */
export function readOutputText(part: Fields, item?: Fields): Extract<Part, { kind: "text" }> {
  const { annotations } = part;
  const citations = Array.isArray(annotations) ? annotations.filter(isFields).map(readCitation) : [];
  return {
    ...{ kind: "text", text: typeof part["text"] === "string" ? part["text"] : "" },
    ...(citations.length === 0 ? {} : { citations }),
    ...kept({ ...(item === undefined ? {} : { item }), ...others(part, OUTPUT_TEXT) }),
  };
}

/** The model's words for why it does not answer. */
export function readRefusal(part: Fields, item?: Fields): Extract<Part, { kind: "refusal" }> {
  return {
    ...{ kind: "refusal", text: typeof part["refusal"] === "string" ? part["refusal"] : "" },
    ...kept({ ...(item === undefined ? {} : { item }), ...others(part, REFUSAL) }),
  };
}

/** An annotation; those that are not of the web are kept as they are, too. */
export function readCitation(annotation: Fields): Citation {
  const { url, title, filename } = annotation;
  const start = numberOf(annotation["start_index"]);
  const end = numberOf(annotation["end_index"]);
  const is_url = annotation["type"] === "url_citation" && typeof url === "string";
  const name = typeof title === "string" ? title : filename;
  return {
    ...(is_url ? { url } : {}),
    ...(typeof name === "string" ? { title: name } : {}),
    ...(start === null ? {} : { start }),
    ...(end === null ? {} : { end }),
    ...kept(is_url ? others(annotation, URL_CITATION) : annotation),
  };
}

/** A list of log probabilities. */
export function readLogprobs(list: unknown): TokenLogprob[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isFields).map((token) => {
    const top = token["top_logprobs"];
    return { ...readToken(token), top: Array.isArray(top) ? top.filter(isFields).map(readToken) : [] };
  });
}

function readToken({ token, logprob, bytes }: Fields): Omit<TokenLogprob, "top"> {
  return {
    token: typeof token === "string" ? token : "",
    logprob: numberOf(logprob) ?? 0,
    ...(Array.isArray(bytes) ? { bytes: bytes.map(Number) } : {}),
  };
}

function cached(part: Fields): { readonly cache?: { readonly ttl: null } } {
  return isFields(part["prompt_cache_breakpoint"]) ? { cache: { ttl: null } } : {};
}

function sourceOf(url: unknown, file_id: unknown): Source | null {
  if (typeof file_id === "string") return { kind: "file", id: file_id };
  return typeof url === "string" ? sourceOfUrl(url) : null;
}

/** `file_data` is a data URL; the API takes bare base64 too, which is a PDF's. */
function dataOf(data: unknown): Source | null {
  if (typeof data !== "string") return null;
  const read = readDataUrl(data) ?? { media_type: "application/pdf", data };
  return { kind: "base64", ...read };
}
