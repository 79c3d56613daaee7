// The note about placeholders stands where models read their instructions.

import { describe, expect, test } from "vitest";
import { withNote } from "../../src/privacy/note.ts";

const NOTE = expect.stringMatching(/^Some real values .* make up none\.$/);

function noted(request: string): unknown {
  return JSON.parse(Buffer.from(withNote(Buffer.from(request))).toString());
}

describe("the note", () => {
  test.each(["system", "developer"])(
    "stands behind the instructions of a first message of role %s",
    (role) => {
      expect(
        noted(
          `{"n":1, "messages":[{"content":"Be \\"kind\\".","role":"${role}"},{"role":"user","content":"x"}]}`,
        ),
      ).toEqual({
        n: 1,
        messages: [
          { role, content: expect.stringMatching(/^Be "kind"\.\n\nSome real values .* make up none\.$/s) },
          { role: "user", content: "x" },
        ],
      });
    },
  );

  test.each([
    '{"role":"user","content":"x"}',
    '{"role":"system","content":[{"type":"text","text":"x"}]}',
    "7",
  ])("stands before all others where the first is %s", (message) => {
    expect(noted(`{"messages": [ ${message}]}`)).toEqual({
      messages: [{ role: "system", content: NOTE }, JSON.parse(message)],
    });
  });

  test.each(["{", "[]", "{}", '{"messages":{}}', '{"messages":[]}'])("is not put into %s", (request) => {
    const bytes = Buffer.from(request);
    expect(withNote(bytes)).toBe(bytes);
  });
});
