// How an answer ended: a status here, with a reason where the answer is not whole.
// Source: OpenAI API reference, "The response object", `status` and `incomplete_details`.

import type { Finish } from "../neutral/answer.ts";
import { type Fields, memberFields } from "./own.ts";

/** How a response ended. */
export interface Ending {
  readonly status: "completed" | "incomplete" | "failed";
  readonly incomplete_details: Fields | null;
}

const COMPLETED: Ending = { status: "completed", incomplete_details: null };
const FAILED: Ending = { status: "failed", incomplete_details: null };
const CUT: Ending = { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
const FILTERED: Ending = { status: "incomplete", incomplete_details: { reason: "content_filter" } };

/**
 * The end that a response object tells; null while it goes on.
 * @param has_calls whether a tool of the client's is called in it
 */
export function readFinish(response: Fields, has_calls: boolean): Finish | null {
  const { status } = response;
  switch (status) {
    case "in_progress":
    case "queued":
      return null;
    case "incomplete": {
      const { reason } = memberFields(response, "incomplete_details");
      if (reason === "content_filter") return { reason: "content_filter", raw: reason };
      // Whatever else it may be: the answer is not whole.
      return { reason: "length", raw: typeof reason === "string" ? reason : status };
    }
    case "failed": {
      const { code } = memberFields(response, "error");
      return { reason: "error", raw: typeof code === "string" ? code : status };
    }
    case "cancelled":
      return { reason: "error", raw: status };
  }
  return { reason: has_calls ? "tool_calls" : "stop", raw: "completed" };
}

/**
 * The end that a response object is to tell.
 * @param has_refusal whether the model's words for why it does not answer are in it
 */
export function writeFinish(finish: Finish | null, has_refusal: boolean): Ending {
  switch (finish?.reason) {
    case undefined:
    case "error":
    case "malformed_call":
      return FAILED;
    case "length":
    case "context_length":
    // The client has to ask for the rest, as it has where tokens ran out.
    case "pause":
      return CUT;
    case "content_filter":
      return FILTERED;
    case "refusal":
      return has_refusal ? COMPLETED : FILTERED;
    default:
      return COMPLETED;
  }
}
