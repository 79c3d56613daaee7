import { describe, expect, test } from "vitest";
import { canonicalText, isFaithful } from "../../src/cache/canonical.ts";

function spelled(text: string): string {
  return canonicalText(JSON.parse(text));
}

describe("the canonical spelling", () => {
  test.each([
    ['{"a":1,"b":2}', '{ "b" : 2 , "a" : 1 }'],
    ['{"a":[1,2,{"c":null,"d":true}]}', '{"a":[1,2,{"d":true,"c":null}]}'],
    ['{"a":"é"}', '{"a":"\\u00e9"}'],
    ['{"a":"/"}', '{"a":"\\/"}'],
    ['{"a":1}', '{"a":1.0}'],
    ['{"a":100}', '{"a":1e2}'],
    ['{"a":0}', '{"a":-0}'],
    ['{"__proto__":1,"b":2}', '{"b":2,"__proto__":1}'],
    ['{"2":1,"1":2}', '{"1":2,"2":1}'],
  ])("is the same for %s and %s", (a, b) => {
    expect(spelled(a)).toBe(spelled(b));
  });

  test.each([
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":null}', '{"a":"null"}'],
    ['{"a":null}', "{}"],
    ['{"a":[1,2]}', '{"a":[2,1]}'],
    ['{"a":["1,2"]}', '{"a":["1","2"]}'],
    ['{"a":{}}', '{"a":[]}'],
    ['{"a":"\\ud800"}', '{"a":"\\ud801"}'],
    ['{"a":"\\ud800"}', '{"a":"\\ufffd"}'],
    ['{"a":"x","b":"y"}', '{"a":"x\\",\\"b\\":\\"y"}'],
    ['{"a":true}', '{"a":"true"}'],
  ])("tells %s from %s", (a, b) => {
    expect(spelled(a)).not.toBe(spelled(b));
  });
});

describe("a value says all that its text does", () => {
  test.each([
    '{"a":1}',
    '{ "a" : [ 1 , {"b":"x:y\\"z"} ] }',
    '{"a":1.0,"b":"\\u00e9"}',
    '{"a":0.1}',
    '{"a":9007199254740991}',
    '{"a":"\\\\"}',
    '{"a": "\\\\\\"", "b":2}',
  ])("%s", (text) => {
    expect(isFaithful(text, JSON.parse(text))).toBe(true);
  });

  test.each([
    ["a member twice", '{"a":1,"a":2}'],
    ["one twice far inside", '{"a":[{"b":1, "b":1}]}'],
    ["one twice by its escape", '{"a":1,"\\u0061":2}'],
    ["a number beyond doubles", '{"a":9007199254740993}'],
    ["a number of no double", '{"a": 1e999}'],
    [
      "bytes that are no UTF-8",
      Buffer.from([...Buffer.from('{"a":"'), 0xff, ...Buffer.from('"}')]).toString(),
    ],
  ])("but not with %s", (_name, text) => {
    expect(isFaithful(text, JSON.parse(text))).toBe(false);
  });
});
