// Parts of a content as chat completions write them to a provider.

import type { Losses } from "../../neutral/losses.ts";
import type { CacheMark, FilePart, MediaPart, Part } from "../../neutral/parts.ts";
import { textOfFile } from "../../neutral/plain_text.ts";
import { dataUrl, urlOfSource } from "../../neutral/source.ts";
import { audioFormat, fileName } from "./media.ts";
import type { Quirks } from "./quirks.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What writers of a request have to know beside what they write. */
export interface RequestPen {
  readonly quirks: Quirks;
  readonly losses: Losses;
}

/** A part of a user's or system's content; null where the provider cannot take it. */
export function writePart(part: Part, path: string, pen: RequestPen): Fields | null {
  const said = writeUnmarked(part, path, pen);
  if (said === null || part.kind === "own" || part.cache === undefined) return said;
  return { ...said, ...writeCacheMark(part.cache, pen) };
}

function writeUnmarked(part: Part, path: string, { quirks, losses }: RequestPen): Fields | null {
  switch (part.kind) {
    case "text":
    case "refusal":
      return { type: "text", text: part.text, ...(part.own?.format === "chat" ? part.own.fields : {}) };
    case "image": {
      const url = urlOfSource(part.source);
      if (url === null) break;
      return {
        type: "image_url",
        image_url: { url, ...(part.detail === undefined ? {} : { detail: part.detail }) },
      };
    }
    case "audio":
    case "video":
      return writeMedia(part, path, { quirks, losses });
    case "file":
      return writeFile(part, path, { quirks, losses });
    case "own":
      if (part.format !== "chat") break;
      return part.value;
    case "thinking":
    case "tool_call":
    case "tool_result":
      // These stand elsewhere in a message.
      return null;
  }
  losses.lose(path, "meaning");
  return null;
}

/** The mark that a prompt is to be cached up to here. */
export function writeCacheMark(cache: CacheMark, { quirks, losses }: RequestPen): Fields {
  if (!quirks.cache_marks) {
    losses.lose("cache_control", "hint");
    return {};
  }
  return { cache_control: { type: "ephemeral", ...(cache.ttl === null ? {} : { ttl: cache.ttl }) } };
}

function writeMedia(
  { kind, source }: MediaPart,
  path: string,
  { quirks, losses }: RequestPen,
): Fields | null {
  if (kind === "audio" && source.kind === "base64") {
    const { data, media_type } = source;
    return { type: "input_audio", input_audio: { data, format: audioFormat(media_type) } };
  }
  const url = urlOfSource(source);
  if (url !== null && quirks.media_urls.has(kind)) {
    return kind === "audio"
      ? { type: "audio_url", audio_url: { url } }
      : { type: "video_url", video_url: { url } };
  }
  losses.lose(path, "meaning");
  return null;
}

function writeFile(part: FilePart, path: string, { quirks, losses }: RequestPen): Fields | null {
  const { source } = part;
  const text = textOfFile(part);
  // Plain text needs no file, and hardly a server takes it as one.
  if (text !== null) return { type: "text", text };
  const url = urlOfSource(source);
  switch (quirks.files) {
    case "file":
    case "file_or_url":
      if (source.kind === "file") return { type: "file", file: { file_id: source.id, ...named(part) } };
      if (source.kind === "base64") {
        const { media_type, data } = source;
        const filename = part.name ?? fileName(media_type);
        return { type: "file", file: { filename, file_data: dataUrl(media_type, data) } };
      }
      if (quirks.files === "file_or_url" && url !== null)
        return { type: "file", file: { filename: part.name ?? "document.pdf", file_data: url } };
      break;
    case "document_url":
      if (url === null) break;
      return {
        type: "document_url",
        document_url: url,
        ...(part.name === undefined ? {} : { document_name: part.name }),
      };
    case "file_url":
      if (url === null) break;
      // Perplexity wants base64 without what makes it a URL.
      return {
        type: "file_url",
        file_url: { url: source.kind === "base64" ? source.data : url },
        ...(part.name === undefined ? {} : { file_name: part.name }),
      };
    case null:
      break;
  }
  losses.lose(path, "meaning");
  return null;
}

function named({ name }: FilePart): Fields {
  return name === undefined ? {} : { filename: name };
}
