// Requests without personal data: nothing is left in any place, nothing else is changed, and all of it comes back.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Mapping } from "../../src/privacy/mapping.ts";
import { redactRequest } from "../../src/privacy/redact_request.ts";
import { restoreText } from "../../src/privacy/restore.ts";
import { restoreAnswer } from "../../src/privacy/restore_answer.ts";
import { RECORDINGS_MISSING } from "../gateway/recordings.ts";
import { randomIntegers } from "../memory/random.ts";
import { NAMES, options, recognise, redacted, redactedJson } from "./hand_made.ts";

type Json = Record<string, unknown>;

const FIXTURES = join(import.meta.dirname, "../../../shared/fixtures");

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** A request with a value at every place that holds text; `next` gives the values, one by one. */
function everyPlace(next: () => string): Json {
  const data = () => ({
    [next()]: next(),
    list: [next(), { note: `write to ${next()} or ${next()}` }],
    'a\n"b\\': next(),
  });
  const schema = {
    type: "object",
    title: next(),
    description: next(),
    properties: {
      type: {
        type: "string",
        description: next(),
        enum: [next(), next()],
        default: next(),
        examples: [next()],
      },
      description: { type: "object", properties: { deep: { const: next(), example: { any: [next()] } } } },
      pattern: { type: "string", pattern: `^${next()}$` },
    },
    $defs: { one: { anyOf: [{ description: next() }, { items: { description: next() } }] } },
    required: ["type"],
  };
  return {
    model: "m",
    messages: [
      { role: "system", content: `You help ${next()}.` },
      { role: "developer", content: [{ type: "text", text: `${next()}, ${next()}` }] },
      {
        role: "user",
        content: [
          { type: "text", text: next() },
          {
            type: "file",
            file: { filename: `cv of ${next()}.pdf`, file_data: "data:application/pdf;base64,AAAA" },
          },
          { type: "something new", something: { new: next() } },
        ],
      },
      {
        role: "assistant",
        content: null,
        refusal: next(),
        reasoning_content: next(),
        reasoning_details: [{ type: "reasoning.text", text: next(), signature: "s" }],
        tool_calls: [
          { id: "t1", type: "function", function: { name: "mail", arguments: JSON.stringify(data()) } },
          { id: "t2", type: "function", function: { name: "mail", arguments: `{"cut": "${next()}` } },
          { id: "t3", type: "custom", custom: { name: "run", input: `mail ${next()}` } },
        ],
        function_call: { name: "mail", arguments: JSON.stringify(data(), null, 2) },
      },
      { role: "tool", tool_call_id: "t1", content: JSON.stringify([data(), data()]) },
      { role: "tool", tool_call_id: "t2", content: [{ type: "text", text: JSON.stringify(data()) }] },
      { role: "function", name: "mail", content: next() },
      { role: "user", content: JSON.stringify(data()) },
    ],
    tools: [
      { type: "function", function: { name: "mail", description: next(), parameters: schema } },
      {
        type: "custom",
        custom: {
          name: "run",
          description: next(),
          format: { type: "grammar", grammar: { syntax: "lark", definition: next() } },
        },
      },
      { type: "web_search", user_location: { approximate: { city: next() } } },
    ],
    functions: [{ name: "mail", description: next(), parameters: schema }],
    response_format: { type: "json_schema", json_schema: { name: "n", description: next(), schema } },
    prediction: { type: "content", content: [{ type: "text", text: next() }] },
    stop: [next(), "END"],
    prompt: [next(), "nothing"],
    suffix: next(),
    input: [{ type: "text", text: next() }, next()],
    metadata: { [next()]: next(), customer: next() },
    user: next(),
    safety_identifier: next(),
    prompt_cache_key: next(),
    field_of_tomorrow: { with: [[next()]], and: next() },
  };
}

/** Values that are found nowhere else. */
function markers(): { readonly next: () => string; readonly all: string[] } {
  const all: string[] = [];
  const next = () => {
    const marker = `marker.${all.length}.q@example${all.length}.org`;
    all.push(marker);
    return marker;
  };
  return { next, all };
}

describe("no value is left", () => {
  test("of two hundred, in any place", () => {
    const { next, all } = markers();
    const requests = [everyPlace(next), everyPlace(next), everyPlace(next)];
    expect(all.length).toBeGreaterThan(200);
    const mapping = new Mapping();
    for (const request of requests) {
      const sent = text(redacted(request, { mapping }).bytes);
      expect(all.filter((marker) => sent.includes(marker))).toEqual([]);
      expect(sent).not.toContain("marker");
      expect(sent).not.toContain("@");
      const { messages } = JSON.parse(sent) as { messages: Json[] };
      expect(messages[0]).toEqual({
        role: "system",
        content: expect.stringMatching(/^You help \[EMAIL_\d+\]\.$/),
      });
    }
    // All but the names of users, which are hashed, and the schema that stands in a request three times.
    expect(mapping.size).toBe(all.length - 9);
  });

  test("when it is masked", () => {
    const { next, all } = markers();
    const sent = text(redacted(everyPlace(next), { mode: "mask" }).bytes);
    expect(all.filter((marker) => sent.includes(marker))).toEqual([]);
    expect(sent).toContain("You help [EMAIL].");
  });

  test("in numbers and keys of JSON, and behind its escapes", () => {
    const escaped =
      '{"mail":"ada\\u0040example.org","card":4111111111111111,"ada@example.org":[1, 4111111111111111 ,"x"]}';
    const { messages } = redactedJson({ messages: [{ role: "tool", content: escaped }] }) as {
      messages: Json[];
    };
    expect(messages[0]!["content"]).toBe(
      '{"mail":"[EMAIL_1]","card":"[CREDIT_CARD_1]","[EMAIL_1]":[1, "[CREDIT_CARD_1]" ,"x"]}',
    );
  });

  test("in a part of a number, which goes as a whole", () => {
    const inNumber = (given: string) => {
      const start = given.indexOf("4567");
      return start < 0 ? [] : [{ start, end: start + 4, entity: "US_SSN", score: 1 }];
    };
    const { messages } = redactedJson(
      { messages: [{ content: '[{"n":123456789}]' }] },
      { recognise: inNumber },
    ) as {
      messages: Json[];
    };
    expect(messages[0]!["content"]).toBe('[{"n":"[US_SSN_1]"}]');
  });

  test("beside half a character", () => {
    const content = '{"a":"\ud800 ada@example.org"}';
    expect(redactedJson({ messages: [{ content }] })).toEqual({
      messages: [{ content: '{"a":"\ud800 [EMAIL_1]"}' }],
    });
  });

  test("that goes on over several fields, whose names stay", () => {
    const inLines = (given: string) => {
      const [start, end] = [given.indexOf("Main"), given.indexOf("Springfield") + "Springfield".length];
      return start < 0 ? [] : [{ start, end, entity: "PERSON", score: 1 }];
    };
    const content = '{"street":"1, Main St","no":7,"":"","city":"Springfield, US"}';
    const { messages } = redactedJson({ messages: [{ content }] }, { recognise: inLines }) as {
      messages: Json[];
    };
    expect(messages[0]!["content"]).toBe(
      '{"street":"1, [PERSON_1]","no":"[PERSON_2]","":"","city":"[PERSON_3], US"}',
    );
  });

  test("where the name of a field says what its value is", () => {
    const inContext = (given: string) =>
      [...given.matchAll(/account: (\w+)/g)].map(({ 0: found, 1: value, index }) => ({
        start: index + found.length - value!.length,
        end: index + found.length,
        entity: "US_SSN",
        score: 1,
      }));
    const content = '{"account":"abc","other":"abc","list":[{"account":7}]}';
    const { messages } = redactedJson({ messages: [{ content }] }, { recognise: inContext }) as {
      messages: Json[];
    };
    expect(messages[0]!["content"]).toBe(
      '{"account":"[US_SSN_1]","other":"abc","list":[{"account":"[US_SSN_2]"}]}',
    );
  });
});

test.each([{ prompt: [15496, 995] }, { prompt: ["a", [15496]] }, { input: [[15496], [995]] }])(
  "texts that are given as tokens are not looked into, and that is a fault: %j",
  (request) => {
    const redacted = redactRequest(Buffer.from(JSON.stringify(request)), options());
    expect(redacted).toEqual({ fault: "its texts are given as tokens" });
  },
);

describe("names of fields that hold a value", () => {
  const value = "ada@example.org";

  test("are redacted: in data, in what is new in the format, and those of a tool's parameters with all that names them", () => {
    const parameters = { type: "object", required: [value], properties: { [value]: { type: "string" } } };
    const redacted = redactedJson({
      messages: [{ role: "user", content: "Hello" }],
      metadata: { [value]: "x" },
      tools: [{ type: "function", function: { name: "f", parameters } }],
      new_in_the_format: { [value]: 1, list: [{ [value]: [] }], email_2: value },
    }) as Json;
    const placeholder = "[EMAIL_1]";
    expect(redacted).toEqual({
      messages: [{ role: "user", content: "Hello" }],
      metadata: { [placeholder]: "x" },
      tools: [
        {
          type: "function",
          function: {
            name: "f",
            parameters: {
              type: "object",
              required: [placeholder],
              properties: { [placeholder]: { type: "string" } },
            },
          },
        },
      ],
      new_in_the_format: { [placeholder]: 1, list: [{ [placeholder]: [] }], email_2: placeholder },
    });
  });
});

describe("what is no text stays", () => {
  test("names of models, tools and fields, ids, media, what controls", () => {
    const value = "ada@example.org";
    const request = {
      model: value,
      messages: [
        { role: "user", content: [{ type: "image_url", image_url: { url: `https://a.b/${value}` } }] },
        { role: "user", content: [{ type: "input_audio", input_audio: { data: value, format: value } }] },
        { role: "user", content: [{ type: "file", file: { file_id: value, file_data: value } }] },
        {
          role: "assistant",
          tool_calls: [{ id: value, type: value, function: { name: value, arguments: "{}" } }],
        },
        { role: "tool", tool_call_id: value, content: "ok" },
      ],
      tools: [
        {
          type: "function",
          function: {
            name: value,
            parameters: { type: value, properties: { email_2: { type: "string" } } },
          },
        },
      ],
      tool_choice: { type: "function", function: { name: value } },
    };
    const bytes = Buffer.from(JSON.stringify(request));
    const result = redactRequest(bytes, options());
    expect(result).toMatchObject({ fault: null, counts: {} });
    expect(result.fault === null && result.bytes).toBe(bytes);
  });

  test("numbers that no double holds, and the spelling of the rest", () => {
    const request =
      '{ "seed" : 12345678901234567890,\n"logit_bias":{"4111111111111111":[[1,2,3]]}, "messages":[{"content":"\\u0041da@example.org \\/"},{"content":"\\u0041 \\/"}] }';
    expect(text(redacted(request).bytes)).toBe(
      request.replace('"\\u0041da@example.org \\/"', '"[EMAIL_1] /"'),
    );
  });

  test.skipIf(RECORDINGS_MISSING !== null)(
    "every recorded request in which nothing is found is the very bytes that came",
    () => {
      const nothing = () => [];
      let count = 0;
      for (const line of readFileSync(join(FIXTURES, "index.jsonl"), "utf8").split("\n")) {
        const { case: name, op } =
          line === "" ? { case: "", op: "" } : (JSON.parse(line) as { case: string; op: string });
        if (op !== "chat.completions" && op !== "embeddings" && op !== "moderations") continue;
        const path = join(FIXTURES, name, "request.json");
        const body = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Json)["body"] : null;
        if (typeof body !== "string" || /"(user|safety_identifier|prompt_cache_key)"\s*:/.test(body))
          continue;
        const bytes = Buffer.from(body);
        const result = redactRequest(bytes, options({ recognise: nothing }));
        if (result.fault !== null) continue;
        expect(result.bytes, name).toBe(bytes);
        count++;
      }
      expect(count).toBeGreaterThan(300);
    },
  );
});

describe("modes", () => {
  const request = Buffer.from(
    '{"user":"u","messages":[{"content":"ada@example.org, 4111111111111111 and ada@example.org"}]}',
  );
  const counts = { EMAIL: 2, CREDIT_CARD: 1 };

  test.each([
    ["redact", "[EMAIL_1], [CREDIT_CARD_1] and [EMAIL_1]"],
    ["mask", "[EMAIL], [CREDIT_CARD] and [EMAIL]"],
  ] as const)("%s", (mode, content) => {
    const result = redacted(request.toString(), { mode });
    expect(result).toMatchObject({ counts, is_blocked: false });
    const sent = JSON.parse(text(result.bytes)) as Json;
    expect(sent["messages"]).toEqual([{ content }]);
    expect(sent["user"]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("audit", () => {
    expect(redactRequest(request, options({ mode: "audit" }))).toEqual({
      fault: null,
      bytes: request,
      counts,
      is_blocked: false,
    });
  });

  test("block", () => {
    expect(redactRequest(request, options({ mode: "block" }))).toEqual({
      fault: null,
      bytes: request,
      counts,
      is_blocked: true,
    });
    const harmless = redacted('{"messages":[{"content":"[EMAIL_1]"}]}', { mode: "block" });
    expect(harmless).toMatchObject({ counts: {}, is_blocked: false });
    expect(text(harmless.bytes)).toBe('{"messages":[{"content":"[EMAIL_1]"}]}');
  });

  test("an entity that is not wanted is left", () => {
    const result = redacted(request.toString(), { entities: ["CREDIT_CARD"] });
    expect(result.counts).toEqual({ CREDIT_CARD: 1 });
    expect(text(result.bytes)).toContain("ada@example.org, [CREDIT_CARD_1] and ada@example.org");
  });
});

describe("placeholders", () => {
  const content = (...contents: string[]) => ({
    messages: contents.map((said) => ({ role: "user", content: said })),
  });
  const contents = (request: unknown) =>
    (request as { messages: { content: string }[] }).messages.map((message) => message.content);

  test("are the same for equal values, wherever and however they are spelled", () => {
    expect(
      contents(
        redactedJson(
          content(
            "Ada@Example.org is Ada Lovelace",
            "ADA  LOVELACE? ada lovelace: ada@example.org",
            "grace@navy.mil",
          ),
        ),
      ),
    ).toEqual(["[EMAIL_1] is [PERSON_1]", "ADA  LOVELACE? [PERSON_1]: [EMAIL_1]", "[EMAIL_2]"]);
  });

  test("come back as they were first spelled", () => {
    const mapping = new Mapping();
    redactedJson(content("ADA LOVELACE and Ada Lovelace"), { mapping });
    expect(restoreText("[PERSON_1]", mapping)).toBe("ADA LOVELACE");
  });

  test("are the same when a history is sent again, with what the model answered", () => {
    const first = new Mapping();
    const turn = content("I am ada@example.org", "Write to grace@navy.mil");
    const sent = contents(redactedJson(turn, { mapping: first }));
    const answer = restoreText("Hello [EMAIL_1], I wrote to [EMAIL_2] and not to [EMAIL_3]", first);
    expect(answer).toBe("Hello ada@example.org, I wrote to grace@navy.mil and not to [EMAIL_3]");
    const second = new Mapping();
    const next = content(
      "I am ada@example.org",
      "Write to grace@navy.mil",
      answer,
      "And to zoe@example.org, too",
    );
    expect(contents(redactedJson(next, { mapping: second }))).toEqual([
      ...sent,
      "Hello [EMAIL_1], I wrote to [EMAIL_2] and not to [EMAIL_3]",
      "And to [EMAIL_4], too",
    ]);
    expect(restoreText("[EMAIL_3] [EMAIL_4]", second)).toBe("[EMAIL_3] zoe@example.org");
  });

  test("are the same in a later request of one conversation", () => {
    const mapping = new Mapping();
    redactedJson(content("grace@navy.mil and ada@example.org"), { mapping });
    expect(contents(redactedJson(content("ada@example.org"), { mapping }))).toEqual(["[EMAIL_2]"]);
  });

  test("are not shared by two conversations", () => {
    const [one, other] = [new Mapping(), new Mapping()];
    redactedJson(content("ada@example.org"), { mapping: one });
    redactedJson(content("grace@navy.mil"), { mapping: other });
    expect(restoreText("[EMAIL_1]", one)).toBe("ada@example.org");
    expect(restoreText("[EMAIL_1]", other)).toBe("grace@navy.mil");
  });

  test("that the client wrote stand for themselves, before and behind values", () => {
    for (const texts of [
      ["use [EMAIL_1] and EMAIL_2 here", "ada@example.org", "[email 1]"],
      ["ada@example.org", "use [EMAIL_1] and EMAIL_2 here", "\\[EMAIL\\_2\\] [EMAIL_1]"],
    ]) {
      const mapping = new Mapping();
      const sent = contents(redactedJson(content(...texts), { mapping }));
      expect(new Set(sent.join(" ").match(/EMAIL_\d/g)).size).toBe(texts.join(" ") === "" ? 0 : 4);
      expect(sent.map((said) => restoreText(said, mapping))).toEqual(texts);
    }
  });

  test("that the client wrote stay as they are where no value takes their number", () => {
    const request = JSON.stringify(content("[EMAIL_1], PERSON_7 and [EMAIL_2]"));
    const bytes = Buffer.from(request);
    const result = redactRequest(bytes, options());
    expect(result.fault === null && result.bytes).toBe(bytes);
  });

  test("that name a tool or a parameter are taken, wherever they stand", () => {
    const mapping = new Mapping();
    const tool = {
      type: "function",
      function: { name: "EMAIL_2", parameters: { properties: { EMAIL_1: {} } } },
    };
    const request = { messages: [{ content: "ada@example.org" }], tools: [tool] };
    expect(redactedJson(request, { mapping })).toEqual({
      messages: [{ content: "[EMAIL_3]" }],
      tools: [tool],
    });
    expect(restoreText('{"EMAIL_1":"[EMAIL_3]"}', mapping)).toBe('{"EMAIL_1":"ada@example.org"}');
  });

  test("in the name of somebody have no brackets", () => {
    const mapping = new Mapping();
    const { messages } = redactedJson(
      {
        messages: [
          { role: "user", name: "Ada_Lovelace", content: "I" },
          { role: "user", name: "bot-7", content: "x" },
        ],
      },
      { mapping },
    ) as { messages: Json[] };
    expect(messages.map(({ name }) => name)).toEqual(["PERSON_1", "bot-7"]);
    expect(restoreText("PERSON_1 said", mapping)).toBe("Ada_Lovelace said");
  });

  test("of embeddings and moderations are numbered in each text on its own", () => {
    for (const endpoint of ["/embeddings", "/moderations"] as const) {
      const mapping = new Mapping();
      const request = { input: ["grace@navy.mil", "ada@example.org, grace@navy.mil", "grace@navy.mil"] };
      expect(redactedJson(request, { endpoint, mapping })).toEqual({
        input: ["[EMAIL_1]", "[EMAIL_1], [EMAIL_2]", "[EMAIL_1]"],
      });
      expect(redactedJson({ input: "to ada@example.org" }, { endpoint })).toEqual({ input: "to [EMAIL_1]" });
      expect(mapping.size).toBe(0);
    }
  });

  test("a user has the same hash with the same secret alone", () => {
    const userOf = (request: Json, byte: number) =>
      (redactedJson(request, { secret: new Uint8Array(32).fill(byte) }) as Json)["user"];
    const jo = userOf({ user: "jo" }, 1);
    expect(userOf({ user: "jo", messages: [] }, 1)).toBe(jo);
    expect(userOf({ user: "jo" }, 2)).not.toBe(jo);
    expect(userOf({ user: "al" }, 1)).not.toBe(jo);
  });
});

describe("bounds", () => {
  test("too much text is a fault, and nothing of it is in its words", () => {
    const request = Buffer.from(
      JSON.stringify({ messages: [{ content: "ada@example.org" }, { content: "x".repeat(90) }] }),
    );
    expect(redactRequest(request, options({ chars_max: 100 }))).toEqual({
      fault: "there is more text than 100 characters",
    });
    expect(redactRequest(request, options({ chars_max: 105 }))).toMatchObject({ fault: null });
  });

  test("too many values are a fault", () => {
    const request = Buffer.from(JSON.stringify({ prompt: "ada@example.org grace@navy.mil [EMAIL_9]" }));
    const withRoom = (values_max: number) =>
      redactRequest(request, options({ mapping: new Mapping({ values_max }) }));
    expect(withRoom(2)).toEqual({ fault: "there are more values than a conversation may have" });
    expect(withRoom(3)).toMatchObject({ fault: null });
  });

  test("each text is recognised once", () => {
    const texts: string[] = [];
    const noting = (given: string) => {
      texts.push(given);
      return recognise(given);
    };
    redacted(everyPlace(markers().next), { recognise: noting });
    const joined = texts.join("\n");
    for (let index = 0; index < 40; index++) {
      // The schema stands in the request three times.
      expect([0, 1, 3]).toContain(joined.split(`marker.${index}.q@`).length - 1);
    }
  });

  test("depth and length cost no more than their bytes", () => {
    const deep = `{"a":${"[".repeat(1000)}"ada@example.org"${"]".repeat(1000)}}`;
    expect(text(redacted(deep).bytes)).toBe(deep.replace("ada@example.org", "[EMAIL_1]"));
    const nested = JSON.stringify({ messages: [{ content: `${"[".repeat(3)}"`.padEnd(4) + deep }] });
    expect(redacted(nested).counts).toEqual({ EMAIL: 1 });
    const long = JSON.stringify({
      prompt: Array.from({ length: 20_000 }, (_, at) => `${at} [EMAIL_1] \\ "${at % 7}@x.org" [`),
    });
    const started_ms = performance.now();
    expect(redacted(long, { recognise: () => [] }).counts).toEqual({});
    expect(performance.now() - started_ms).toBeLessThan(2000);
  });
});

describe("garbage", () => {
  test("is a fault or goes by, and throws nothing", () => {
    const random = randomIntegers(91);
    const valid = Buffer.from(JSON.stringify(everyPlace(markers().next)));
    const mapping = new Mapping();
    for (let round = 0; round < 600; round++) {
      const bytes =
        round % 3 === 0
          ? Buffer.from(Array.from({ length: random(60) }, () => random(256)))
          : Buffer.from(valid);
      if (round % 3 !== 0)
        for (let hit = random(4); hit >= 0; hit--) bytes[random(bytes.length)] = random(256);
      const result = redactRequest(bytes, options());
      if (result.fault === null) JSON.parse(text(result.bytes));
      restoreAnswer(bytes, mapping);
    }
  });

  test("findings that are no findings are left out", () => {
    const wrong = () =>
      [
        [5, 3],
        [-1, 2],
        [2, 4],
        [3, 6],
        [6, 6],
        [7, 99],
      ].map(([start, end]) => ({ start: start!, end: end!, entity: "EMAIL", score: 1 }));
    expect(redactedJson({ prompt: "0123456789" }, { recognise: wrong })).toEqual({
      prompt: "01[EMAIL_1]456789",
    });
  });
});

describe("what goes and comes back is the same", () => {
  test("for requests of any shape, echoed by the model", () => {
    const random = randomIntegers(92);
    const parts = [
      ...NAMES,
      "ada@example.org",
      "grace@navy.mil",
      "[EMAIL_1]",
      "EMAIL_2",
      "[person 1]",
      "\\",
      "\n",
      '"',
      " ",
      " and ",
      "[",
      "]",
      "é",
    ];
    const said = () => Array.from({ length: 1 + random(8) }, () => parts[random(parts.length)]!).join("");
    for (let round = 0; round < 400; round++) {
      const mapping = new Mapping();
      const echo = {
        role: "assistant",
        content: random(3) === 0 ? JSON.stringify({ [said()]: [said(), 7] }) : `.${said()}`,
        refusal: `.${said()}`,
        tool_calls: [
          {
            id: "t",
            type: "function",
            function: { name: "f", arguments: JSON.stringify({ a: said(), b: { c: [said()] } }) },
          },
        ],
      };
      const sent = redactedJson(
        { messages: [{ role: "user", content: `.${said()}` }, echo] },
        { mapping },
      ) as { messages: Json[] };
      const answer = { choices: [{ index: 0, message: sent.messages[1], finish_reason: "stop" }] };
      const given = JSON.parse(
        text(restoreAnswer(Buffer.from(JSON.stringify(answer)), mapping)),
      ) as typeof answer;
      expect(given.choices[0]!.message).toEqual(echo);
    }
  });
});
