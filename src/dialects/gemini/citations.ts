// What an answer rests on: Gemini's grounding and its recitations, as citations of its texts, and back.
// Gemini counts bytes of UTF-8 where everybody else counts UTF-16 units.
// Source: https://ai.google.dev/api/generate-content#GroundingMetadata, #Segment and #CitationMetadata

import { isFields, list, record } from "../fields.ts";
import type { Citation } from "../neutral/parts.ts";
import { textOf } from "./names.ts";

type Json = Readonly<Record<string, unknown>>;

/** More segments than any answer has. */
const SEGMENTS_MAX = 2_000;
/** Segments whose text is searched for, because it does not lie where it is said to. */
const SEARCHES_MAX = 64;

/** A citation, and which of the texts it is of; -1: it is not known where. */
export interface PlacedCitation {
  readonly text: number;
  readonly citation: Citation;
}

/** Reads the citations of a candidate's texts, in the order of Gemini's segments. */
export function readCitations(
  candidate: { readonly groundingMetadata?: unknown; readonly citationMetadata?: unknown },
  texts: readonly string[],
): PlacedCitation[] {
  const { groundingMetadata, citationMetadata } = candidate;
  if (!isFields(groundingMetadata) && !isFields(citationMetadata)) return [];
  const places = new Places(texts);
  return [...ofGrounding(record(groundingMetadata), places), ...ofSources(record(citationMetadata), places)];
}

function ofGrounding(grounding: Json, places: Places): PlacedCitation[] {
  const sources = list(grounding["groundingChunks"]).map(sourceOf);
  const supports = list(grounding["groundingSupports"]).slice(0, SEGMENTS_MAX);
  // Sources without a word of what they support are told all the same.
  if (supports.length === 0)
    return sources.filter((source) => source !== null).map((citation) => ({ text: -1, citation }));
  return supports.flatMap((support) => {
    const { segment, groundingChunkIndices } = record(support);
    const { startIndex, endIndex, text } = record(segment);
    const { text: index, ...range } = places.find(startIndex, endIndex, textOf(text));
    return list(groundingChunkIndices)
      .map((chunk) => (typeof chunk === "number" ? sources[chunk] : undefined))
      .filter((source) => source !== undefined && source !== null)
      .map((source) => ({ text: index, citation: { ...source, ...range } }));
  });
}

/** A page of the web, a place on a map, an image, or what a search of one's own found. */
function sourceOf(chunk: unknown): Citation | null {
  const { web, maps, image, retrievedContext } = record(chunk);
  const source = record(web ?? maps ?? image ?? retrievedContext);
  const url = textOf(source["uri"] ?? source["sourceUri"]);
  const title = textOf(source["title"]);
  const cited_text = textOf(source["text"]);
  if (url === undefined && title === undefined && cited_text === undefined) return null;
  return {
    ...(url === undefined ? {} : { url }),
    ...(title === undefined ? {} : { title }),
    ...(cited_text === undefined ? {} : { cited_text }),
  };
}

/** Recitations: Gemini calls them sources, Vertex citations. */
function ofSources(metadata: Json, places: Places): PlacedCitation[] {
  const sources = list(metadata["citationSources"] ?? metadata["citations"]).slice(0, SEGMENTS_MAX);
  return sources.map((source) => {
    const { startIndex, endIndex, uri, title, ...own } = record(source);
    const { text, ...range } = places.find(startIndex, endIndex, undefined);
    const url = textOf(uri);
    const name = textOf(title);
    return {
      text,
      citation: {
        ...(url === undefined || url === "" ? {} : { url }),
        ...(name === undefined || name === "" ? {} : { title: name }),
        ...range,
        own: { format: "gemini", fields: { citationMetadata: own } },
      },
    };
  });
}

/** Finds positions in several texts that were counted as one, in bytes. */
class Places {
  readonly #texts: readonly string[];
  readonly #joined: string;
  readonly #bytes: Buffer;
  /** How far bytes were last counted into units: segments mostly come in order. */
  #byte = 0;
  #unit = 0;
  #searches = 0;

  constructor(texts: readonly string[]) {
    this.#texts = texts;
    this.#joined = texts.join("");
    this.#bytes = Buffer.from(this.#joined);
  }

  /** Where a segment lies; without a range where it lies in no one text, or says something else than the text there. */
  find(
    first: unknown,
    last: unknown,
    said: string | undefined,
  ): { readonly text: number; readonly start?: number; readonly end?: number } {
    const from = typeof first === "number" ? first : 0;
    if (typeof last !== "number" || !(from >= 0 && from < last)) return { text: -1 };
    let start = this.#unitAt(from);
    let end = this.#unitAt(last);
    if (said !== undefined && said !== "" && this.#joined.slice(start, end) !== said) {
      start = ++this.#searches > SEARCHES_MAX ? -1 : this.#joined.indexOf(said);
      if (start < 0) return { text: -1 };
      end = start + said.length;
    }
    let begin = 0;
    for (const [text, { length }] of this.#texts.entries()) {
      if (start < begin + length) return { text, start: start - begin, end: Math.min(end - begin, length) };
      begin += length;
    }
    return { text: -1 };
  }

  #unitAt(byte: number): number {
    if (this.#bytes.length === this.#joined.length) return byte;
    if (byte < this.#byte) {
      this.#byte = 0;
      this.#unit = 0;
    }
    this.#unit += this.#bytes.toString("utf8", this.#byte, byte).length;
    this.#byte = byte;
    return this.#unit;
  }
}

/** A text with what it cites, and where it stands: which part it is, or how many bytes of text are before it. */
export interface CitingText {
  readonly text: string;
  readonly citations: readonly Citation[];
  readonly part_index?: number;
  readonly bytes_before?: number;
}

/**
 * The `groundingMetadata` and `citationMetadata` of a candidate's texts, of those that there are.
 * The parts of a whole answer are counted each by itself; those of a stream, whose pieces a client puts together, as one text.
 */
export function writeCitations(texts: readonly CitingText[]): Json {
  const groundingChunks: Json[] = [];
  const indices = new Map<string, number>();
  const groundingSupports: Json[] = [];
  const citationSources: Json[] = [];
  for (const { text, citations, part_index, bytes_before = 0 } of texts) {
    for (const citation of citations) {
      const segment = segmentOf(citation, text, bytes_before);
      if (citation.own?.format === "gemini" && isFields(citation.own.fields["citationMetadata"])) {
        citationSources.push(writeSource(citation, segment));
        continue;
      }
      const chunk = writeChunk(citation);
      const key = JSON.stringify(chunk);
      const index = indices.get(key) ?? groundingChunks.push(chunk) - 1;
      indices.set(key, index);
      if (segment === null) continue;
      const { startIndex, endIndex, said } = segment;
      const at = part_index === undefined || part_index === 0 ? {} : { partIndex: part_index };
      groundingSupports.push({
        segment: { ...at, startIndex, endIndex, text: said },
        groundingChunkIndices: [index],
      });
    }
  }
  return {
    ...(groundingChunks.length === 0
      ? {}
      : {
          groundingMetadata: {
            groundingChunks,
            ...(groundingSupports.length === 0 ? {} : { groundingSupports }),
          },
        }),
    ...(citationSources.length === 0 ? {} : { citationMetadata: { citationSources } }),
  };
}

function segmentOf(
  { start, end }: Citation,
  text: string,
  bytes_before: number,
): { readonly startIndex: number; readonly endIndex: number; readonly said: string } | null {
  if (start === undefined || end === undefined) return null;
  const said = text.slice(start, end);
  const startIndex = bytes_before + Buffer.byteLength(text.slice(0, start));
  return { startIndex, endIndex: startIndex + Buffer.byteLength(said), said };
}

function writeSource({ url, title, own }: Citation, segment: ReturnType<typeof segmentOf>): Json {
  return {
    ...(segment === null ? {} : { startIndex: segment.startIndex, endIndex: segment.endIndex }),
    ...(url === undefined ? {} : { uri: url }),
    ...(title === undefined ? {} : { title }),
    ...record(own?.fields["citationMetadata"]),
  };
}

function writeChunk({ url, title, cited_text }: Citation): Json {
  const named = title === undefined ? {} : { title };
  const text = cited_text === undefined ? {} : { text: cited_text };
  if (url !== undefined && cited_text === undefined) return { web: { uri: url, ...named } };
  return { retrievedContext: { ...(url === undefined ? {} : { uri: url }), ...named, ...text } };
}
