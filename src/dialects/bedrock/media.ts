// Media as blocks: bytes in base64, or where they lie in S3, with the format as a word instead of a media type.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html; API_runtime_DocumentBlock.html for names.

import type { FilePart, Part, Source } from "../neutral/parts.ts";
import { sourceOfUrl } from "../neutral/source.ts";
import type { Fields } from "./own.ts";

type PlainMedia = Extract<Part, { kind: "image" | "audio" | "video" }>;

const FORMATS: Readonly<Record<PlainMedia["kind"], Readonly<Record<string, string>>>> = {
  image: { png: "png", jpeg: "jpeg", jpg: "jpeg", gif: "gif", webp: "webp" },
  video: {
    ...{
      "x-matroska": "mkv",
      mkv: "mkv",
      quicktime: "mov",
      mov: "mov",
      mp4: "mp4",
      webm: "webm",
      "x-flv": "flv",
    },
    ...{
      flv: "flv",
      mpeg: "mpeg",
      mpg: "mpg",
      "x-ms-wmv": "wmv",
      wmv: "wmv",
      "3gpp": "three_gp",
      "3gp": "three_gp",
    },
  },
  audio: {
    ...{
      mpeg: "mp3",
      mp3: "mp3",
      wav: "wav",
      "x-wav": "wav",
      wave: "wav",
      flac: "flac",
      aac: "aac",
      ogg: "ogg",
    },
    ...{ opus: "opus", mp4: "mp4", "x-m4a": "m4a", m4a: "m4a", webm: "webm", pcm: "pcm", l16: "pcm" },
  },
};

const DOCUMENTS: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "text/html": "html",
  "text/markdown": "md",
};
const ENDINGS: ReadonlySet<string> = new Set([...Object.values(DOCUMENTS), "txt"]);

/** A block of an image, a sound or a film; null where its format or its place is none that is taken. */
export function mediaBlock({ kind, source }: PlainMedia): Fields | null {
  const plain = plainSource(source);
  const word = wordOf(plain);
  const format = word === null ? undefined : FORMATS[kind][word];
  const place = sourceOf(plain);
  return format === undefined || place === null ? null : { [kind]: { format, source: place } };
}

/** What tells the format: the media type's second half, or how the address ends. */
function wordOf(source: Source): string | null {
  if (source.kind === "base64")
    return source.media_type.slice(source.media_type.indexOf("/") + 1).toLowerCase();
  return source.kind === "url" ? endingOf(source.url) : null;
}

function endingOf(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1).toLowerCase();
}

function sourceOf(source: Source): Fields | null {
  if (source.kind === "base64") return { bytes: source.data };
  if (source.kind === "url" && source.url.startsWith("s3://")) return { s3Location: { uri: source.url } };
  return null;
}

/** A data URL is the bytes that it holds. */
function plainSource(source: Source): Source {
  return source.kind === "url" ? sourceOfUrl(source.url) : source;
}

/** Gives blocks to the documents of one request, no two with the same name. */
export class Documents {
  readonly #names = new Set<string>();

  /** A document's block; null where its bytes are not here. */
  block(part: FilePart): Fields | null {
    const source = plainSource(part.source);
    const cites = part.citations === true;
    const placed = placedDocument(source, part.name ?? "", cites);
    if (placed === null) return null;
    return {
      document: {
        format: placed.format,
        name: this.#nameOf(part.name ?? ""),
        source: placed.source,
        ...(part.context === undefined ? {} : { context: part.context }),
        ...(cites ? { citations: { enabled: true } } : {}),
      },
    };
  }

  /** Letters, digits, single spaces, hyphens, parentheses and brackets are allowed. */
  #nameOf(given: string): string {
    const stem = given.includes(".") ? given.slice(0, given.lastIndexOf(".")) : given;
    const cleaned = stem
      .replace(/[^A-Za-z0-9()[\]-]+/g, " ")
      .trim()
      .slice(0, 180);
    const plain = cleaned === "" ? "document" : cleaned;
    let name = plain;
    for (let number = 2; this.#names.has(name); number++) name = `${plain} ${number}`;
    this.#names.add(name);
    return name;
  }
}

function placedDocument(
  source: Source,
  name: string,
  cites: boolean,
): { format: string; source: Fields } | null {
  if (source.kind === "text") {
    // Only a text that is given as such is cited by its characters.
    const { text } = source;
    return { format: "txt", source: cites ? { text } : { bytes: Buffer.from(text).toString("base64") } };
  }
  const place = sourceOf(source);
  if (place === null) return null;
  const told = source.kind === "base64" ? DOCUMENTS[source.media_type.toLowerCase()] : undefined;
  const ending = endingOf(source.kind === "url" ? source.url : name);
  const by_name = ENDINGS.has(ending) ? ending : undefined;
  const format = told ?? by_name ?? (isText(source) ? "txt" : undefined);
  return format === undefined ? null : { format, source: place };
}

function isText(source: Source): boolean {
  if (source.kind !== "base64") return false;
  return source.media_type.startsWith("text/") || source.media_type === "application/json";
}
