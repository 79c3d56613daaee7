// Errors of Bedrock: in the head of an answer, and as exceptions in the midst of a stream.
// Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, "Errors" and "Response Elements".

import { GatewayError } from "../../errors.ts";
import { record } from "../fields.ts";
import { statusOfStreamError, typeOfStatus, type WireError } from "../openai/error.ts";

/** An exception's error. Its name is the code, its type what goes with the status that the name stands for. */
export function readException(name: string, payload: unknown): WireError {
  const code = name === "" ? null : name.charAt(0).toUpperCase() + name.slice(1);
  const { message, Message, originalMessage } = record(payload);
  const said = [message, Message, originalMessage].find((one): one is string => typeof one === "string");
  const bare = { message: said ?? code ?? "an error that says nothing", type: "", param: null, code };
  return { ...bare, type: typeOfStatus(statusOfStreamError(bare)) };
}

/** What is told where a stream cannot be read on. */
export function brokenStream(what: string): WireError {
  const error = new GatewayError(
    "upstream_stream_interrupted",
    `The provider's stream cannot be read on: ${what}.`,
  );
  return { message: error.message, type: error.type, param: null, code: error.code };
}
