import type { WireError } from "../openai/error.ts";
export function writeAnthropicError(
  error: WireError,
  _status: number,
  request_id?: string,
): Readonly<Record<string, unknown>> {
  const { type, message } = error;
  return { type: "error", error: { type, message }, ...(request_id === undefined ? {} : { request_id }) };
}
