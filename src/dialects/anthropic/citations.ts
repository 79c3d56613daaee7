// Where a text of an answer comes from. Anthropic cites for whole text blocks, and by the place in what was read: characters, pages, blocks,
// search results. Source: https://platform.claude.com/docs/en/build-with-claude/citations.

import type { Citation } from "../neutral/parts.ts";
import { type Fields, FORMAT } from "./own.ts";

/** Reads one citation; all of it is kept for the way back. */
export function readCitation(fields: Fields): Citation {
  const { url, title, document_title, source, cited_text } = fields;
  const told_title = title ?? document_title;
  const address = url ?? (isAddress(source) ? source : undefined);
  return {
    ...(typeof address === "string" ? { url: address } : {}),
    ...(typeof told_title === "string" ? { title: told_title } : {}),
    ...(typeof cited_text === "string" ? { cited_text } : {}),
    own: { format: FORMAT, fields },
  };
}

function isAddress(source: unknown): boolean {
  return typeof source === "string" && (source.startsWith("https://") || source.startsWith("http://"));
}

/** Writes a citation for a client; null: it says nothing that the format could. */
export function writeCitation(citation: Citation): Fields | null {
  const { own, url, title, cited_text } = citation;
  if (own?.format === FORMAT) return own.fields;
  if (url === undefined) return null;
  return {
    type: "web_search_result_location",
    ...{ url, title: title ?? null, cited_text: cited_text ?? "", encrypted_index: "" },
  };
}

/** Writes the citations that a provider gave before, for itself: it takes none but its own. */
export function writeOwnCitations(citations: readonly Citation[]): readonly Fields[] {
  return citations.flatMap(({ own }) => (own?.format === FORMAT ? [own.fields] : []));
}
