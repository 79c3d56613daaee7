// Errors, from the provider and for the client.

import { expect, test } from "vitest";
import {
  messagesError,
  readMessagesError,
  statusOfType,
  typeOfStatus,
} from "../../../src/dialects/anthropic/error.ts";
import { recordedCalls } from "./recorded.ts";

const FAILED = recordedCalls().filter(({ status }) => status >= 400);

test.each(FAILED)("the error of $name is read and written as it was", ({ body, status }) => {
  const value = JSON.parse(body.toString()) as {
    error: { message: string; type: string };
    request_id: string;
  };
  const error = readMessagesError(value, status)!;
  expect(error).toEqual({ message: value.error.message, type: value.error.type, param: null, code: null });
  expect(messagesError(error, status, value.request_id)).toEqual(value);
});

test.each([
  [400, "invalid_request_error"],
  [401, "authentication_error"],
  [402, "billing_error"],
  [403, "permission_error"],
  [404, "not_found_error"],
  [413, "request_too_large"],
  [418, "invalid_request_error"],
  [429, "rate_limit_error"],
  [500, "api_error"],
  [502, "api_error"],
  [504, "timeout_error"],
  [529, "overloaded_error"],
])("status %i is %s", (status, type) => {
  expect(typeOfStatus(status)).toBe(type);
  const error = { message: "No.", type: "server_error", param: "x", code: "a_code" };
  expect(messagesError(error, status)).toEqual({
    ...{ type: "error", request_id: null },
    error: { type, message: "No.", details: { error_code: "a_code" } },
  });
  if (status !== 418 && status !== 502) expect(statusOfType(type)).toBe(status);
});

test("errors of other shapes are read too, and what is none is not", () => {
  const details = { error_code: "prompt_too_long" };
  const told = { type: "error", error: { type: "invalid_request_error", message: "Long.", details } };
  expect(readMessagesError(told, 400)!.code).toBe("prompt_too_long");
  expect(readMessagesError({ error: { message: "Bad" } }, 400)).toMatchObject({ message: "Bad" });
  expect(readMessagesError({ type: "error", error: { deep: 1 } }, 500)).toMatchObject({
    message: '{"deep":1}',
  });
  expect(readMessagesError("no", 500)).toBe(null);
  expect(readMessagesError({ content: [] }, 200)).toBe(null);
});
