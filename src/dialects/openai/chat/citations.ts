// Where a text comes from: `annotations` of type `url_citation` (API reference, "The chat completion object"; OpenRouter adds `content`),
// and Perplexity's lists of what it found (`search_results`, `citations`), which are of no place in the text.

import { isFields, list } from "../../fields.ts";
import type { Citation } from "../../neutral/parts.ts";

type Fields = Readonly<Record<string, unknown>>;

const KNOWN: ReadonlySet<string> = new Set(["url", "title", "content", "start_index", "end_index"]);

/** The citations among the annotations of a message. Others are of no other format's. */
export function readCitations(annotations: unknown): readonly Citation[] {
  return list(annotations).flatMap((annotation) => {
    const citation = readCitation(annotation);
    return citation === null ? [] : [citation];
  });
}

function readCitation(annotation: unknown): Citation | null {
  if (!isFields(annotation) || annotation["type"] !== "url_citation") return null;
  const cited = annotation["url_citation"];
  if (!isFields(cited)) return null;
  const { url, title, content, start_index: start, end_index: end } = cited;
  const others = Object.entries(cited).filter(([name]) => !KNOWN.has(name));
  // OpenRouter tells a place from 0 to 0 where it knows none.
  const has_place = typeof start === "number" && typeof end === "number" && end > start;
  return {
    ...(typeof url === "string" && url !== "" ? { url } : {}),
    ...(typeof title === "string" && title !== "" ? { title } : {}),
    ...(typeof content === "string" ? { cited_text: content } : {}),
    ...(has_place ? { start, end } : {}),
    ...(others.length === 0 ? {} : { own: { format: "chat", fields: Object.fromEntries(others) } }),
  };
}

/** What a search found, as Perplexity lists it beside the choices (docs.perplexity.ai, "Chat completions"). */
export function readSearchResults({ search_results, citations }: Fields): readonly Citation[] {
  const found = list(search_results).flatMap((result) => {
    if (!isFields(result) || typeof result["url"] !== "string") return [];
    const { url, title } = result;
    return [{ url, ...(typeof title === "string" ? { title } : {}) } satisfies Citation];
  });
  if (found.length > 0) return found;
  return list(citations).flatMap((url) => (typeof url === "string" ? [{ url }] : []));
}

/**
 * A citation as an annotation. One without a URL (of a document) has an empty one.
 * @param offset where the part that it is of begins in the content
 */
export function writeCitation({ url, title, cited_text, start, end, own }: Citation, offset: number): Fields {
  return {
    type: "url_citation",
    url_citation: {
      ...{ url: url ?? "", title: title ?? "" },
      ...(cited_text === undefined ? {} : { content: cited_text }),
      start_index: start === undefined ? 0 : start + offset,
      end_index: end === undefined ? 0 : end + offset,
      ...(own?.format === "chat" ? own.fields : {}),
    },
  };
}
