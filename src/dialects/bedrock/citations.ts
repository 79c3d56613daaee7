// Where a text comes from: a page of the web, a document of the request, a result of a search.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Citation.html.

import { list, record } from "../fields.ts";
import type { Citation } from "../neutral/parts.ts";
import { type Fields, FORMAT } from "./own.ts";

/** Reads a citation; where in the document it is stays this format's own. */
export function readCitation({ title, source, sourceContent, location }: Fields): Citation {
  const { url: page } = record(record(location)["web"]);
  const url = [page, source].find((one): one is string => typeof one === "string" && /^https?:/.test(one));
  const cited_text = list(sourceContent)
    .map((content) => record(content)["text"])
    .filter((text) => typeof text === "string")
    .join("");
  return {
    ...(url === undefined ? {} : { url }),
    ...(typeof title === "string" ? { title } : {}),
    ...(cited_text === "" ? {} : { cited_text }),
    ...(location === undefined ? {} : { own: { format: FORMAT, fields: { location } } }),
  };
}
