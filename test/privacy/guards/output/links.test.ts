import { describe, expect, test } from "vitest";

import { ForeignLinks } from "../../../../src/privacy/guards/output/links.ts";

const links = new ForeignLinks(["example.com", "Docs.Example.org"]);

function found(text: string): string[] {
  return links.find(text).map(({ start, end }) => text.slice(start, end));
}

describe("addresses of other hosts are found", () => {
  test.each([
    ["bare", "See https://evil.test/a?b=c#d.", "https://evil.test/a?b=c#d"],
    ["in capitals", "See HTTPS://EVIL.TEST/", "HTTPS://EVIL.TEST/"],
    ["in a Markdown image", "![x](https://evil.test/i.png?q=secret)", "https://evil.test/i.png?q=secret"],
    ["in a Markdown link with a title", '[x](https://evil.test/a "title")', "https://evil.test/a"],
    ["with brackets of its own", "(https://evil.test/a_(b)c)", "https://evil.test/a_(b)c"],
    ["in angle brackets", "[x](<https://evil.test/a b>)", "https://evil.test/a"],
    ["in a reference definition", "[x]: //evil.test/a", "//evil.test/a"],
    ["without a scheme in Markdown", "[x]( //evil.test/a)", "//evil.test/a"],
    ["in HTML", '<img src="https://evil.test/i">', "https://evil.test/i"],
    ["without a scheme in HTML", "<a href=//evil.test>", "//evil.test"],
    ["without a scheme in HTML, spaced", '<a href = "//evil.test">', "//evil.test"],
    ["with backslashes", "https:\\\\evil.test\\x", "https:\\\\evil.test\\x"],
    ["in JSON", '{"u":"https:\\/\\/evil.test\\/x"}', "https:\\/\\/evil.test\\/x"],
    ["without slashes", "[x](https:evil.test/x)", "https:evil.test/x"],
    ["with one slash", "[x](https:/evil.test/x)", "https:/evil.test/x"],
    ["with www", "go to www.evil.test/now!", "www.evil.test/now"],
    ["of other schemes", "ftp://evil.test/x wss://evil.test", "ftp://evil.test/x"],
    ["with a name that looks allowed", "https://example.com@evil.test/", "https://example.com@evil.test/"],
    [
      "with a name that looks like an end",
      "https://example.com'@evil.test/",
      "https://example.com'@evil.test/",
    ],
    ["that begin like an allowed one", "https://example.com.evil.test", "https://example.com.evil.test"],
    ["that end like an allowed one", "https://notexample.com/", "https://notexample.com/"],
    ["by number", "http://2130706433/ and http://[::1]:80/x", "http://2130706433/"],
    ["with an encoded host", "https://%65vil.test/", "https://%65vil.test/"],
    ["that no browser reads", "https://a%zz/x", "https://a%zz/x"],
    ["behind an allowed one", "https://example.com/?u=https://evil.test/", "https://evil.test/"],
    [
      "beside a label that is an allowed one",
      "[https://example.com](https://evil.test)",
      "https://evil.test",
    ],
    ["in Chinese", "请看https://evil.test/a。谢谢", "https://evil.test/a"],
  ])("%s", (_, text, first) => {
    expect(found(text)[0]).toBe(first);
  });

  test("several, each on its own", () => {
    expect(found("https://a.test, https://b.test; http://[::1]/")).toEqual([
      "https://a.test",
      "https://b.test",
      "http://[::1]/",
    ]);
  });
});

test.each([
  "https://example.com/a and https://www.example.com:8443/b, HTTPS://Example.COM. and https://example.com./",
  "![x](https://docs.example.org/a.png) <a href='//example.com/x'>",
  "https://jo@example.com/ https:\\/\\/example.com\\/x https://example.com\\n",
  "The scheme is https: and the ratio 3:4; a // comment, //TODO, and/or http://.",
  "std::vector, key: value, C:\\dir\\file, 10:30, mailto:jo@evil.test",
])("no other address is: %s", (text) => {
  expect(found(text)).toEqual([]);
});

test("floods are read in one go", () => {
  const floods = [
    ...[
      "http://",
      "![](",
      "https://example.com/",
      "https:",
      "(//",
      "(//a.b",
      "/",
      "http://a]",
      "www.",
      "http://[",
    ],
    ...["http://'", ":", "https://example.com'", "=  //", "[x]: //", "http://a@"],
  ];
  for (const flood of floods) {
    const text = flood.repeat(1_000_000 / flood.length);
    for (const { start, end } of links.find(text)) expect(end).toBeGreaterThan(start);
  }
});
