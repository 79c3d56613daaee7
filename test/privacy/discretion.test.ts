// What is kept of words that hold personal data, and what a log says of a fault.

import { describe, expect, test } from "vitest";
import { faultText } from "../../src/errors.ts";
import { readTags, wordOf } from "../../src/gateway/labels.ts";
import { CLOSED, makeDiscretion } from "../../src/privacy/discretion.ts";
import { makeRecogniser } from "../../src/privacy/recognisers/recognisers.ts";

const discreet = makeDiscretion(makeRecogniser(), Buffer.alloc(32, 7));

describe("words that are kept with a call", () => {
  test.each([
    "",
    "user-17",
    "550e8400-1234-1234-1234-212555236812",
    "checkout",
    "stop",
    "tool_calls",
    "invalid_request_error",
    "rate_limit_exceeded",
  ])("%j stays what it is", (word) => {
    expect(discreet(word)).toBe(word);
  });

  test("are hashes where they hold a value: of one word one, of two words two, of another key others", () => {
    const hashed = discreet("Reach me at ada@example.com.");
    expect(hashed).toMatch(/^hidden-[0-9a-f]{16}$/);
    expect(discreet("Reach me at ada@example.com.")).toBe(hashed);
    expect(discreet("Reach me at jo@example.com.")).not.toBe(hashed);
    const other = makeDiscretion(makeRecogniser(), Buffer.alloc(32, 8));
    expect(other("Reach me at ada@example.com.")).not.toBe(hashed);
  });

  test("are told by the name that they have", () => {
    expect(discreet("536221847")).toBe("536221847");
    expect(discreet("536221847", "ssn")).toMatch(/^hidden-/);
    expect(readTags("ssn=536221847,team=blue,ada@example.com=1,ada@example.com", discreet)).toEqual({
      ssn: expect.stringMatching(/^hidden-/),
      team: "blue",
      [discreet("ada@example.com")]: "",
    });
  });

  test("are looked into before they are cut, and never kept before anybody can look", () => {
    const key = `sk-ant-api03-${"f3GmD7R9yn4FgmMhTO8sQ6J5iv4X5HTvfOMxxH6mtTVrxAZfLYb8Pb80Bi1sbpBd1DXCIqhelceVcKt4yGm"}AA`;
    const long = `${"x ".repeat(60)}${key}`;
    expect(wordOf(long, discreet)).toMatch(/^hidden-/);
    expect(wordOf(long)).toHaveLength(128);
    expect(wordOf("ada@example.com", CLOSED)).toBe("withheld");
  });
});

describe("a fault of the gateway's own", () => {
  test("is told by its kind and place, and not by its message", () => {
    function parse(): unknown {
      return JSON.parse("ada@example.com\n    at ada@example.com");
    }
    let fault: unknown;
    try {
      parse();
    } catch (error) {
      fault = error;
    }
    const text = faultText(fault);
    expect(text).toMatch(/^SyntaxError\n\s+at /);
    expect(text).toContain("discretion.test.ts");
    expect(text).not.toContain("ada");
    const other = faultText(new Error("ada@example.com\n    at ada@example.com (x:1:1)"));
    expect(other).not.toContain("ada");
    expect(faultText("ada@example.com")).toBe("a string was thrown");
    expect(faultText(Object.assign(new Error("ada"), { code: "ENOSPC" }))).toMatch(/^Error \(ENOSPC\)/);
  });
});
