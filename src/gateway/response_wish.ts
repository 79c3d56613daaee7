// What a client asks of an answer to Responses, as method and path say it.

/** What is asked of a response. */
export type ResponseAction = "retrieve" | "delete" | "cancel" | "input_items";

/** Which response, and what is asked of it. */
export interface ResponseWish {
  readonly id: string;
  readonly action: ResponseAction;
  /** With its question mark; empty for none. */
  readonly query: string;
}

/** The wish that a method and a path below `/responses/` stand for; null for none. */
export function readWish(method: string, rest: string, query: string): ResponseWish | null {
  const slash = rest.indexOf("/");
  const id = slash < 0 ? rest : rest.slice(0, slash);
  const what = slash < 0 ? "" : rest.slice(slash + 1);
  if (id === "") return null;
  if (what === "" && (method === "GET" || method === "HEAD")) return { id, action: "retrieve", query };
  if (what === "" && method === "DELETE") return { id, action: "delete", query };
  if (what === "input_items" && method === "GET") return { id, action: "input_items", query };
  return what === "cancel" && method === "POST" ? { id, action: "cancel", query } : null;
}
