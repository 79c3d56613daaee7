// Values by schemas: what each keyword wants, what ajv says of the same, and schemas that mean harm.

import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { Work } from "../../../../src/privacy/guards/schema/run.ts";
import { readSchema, type Schema } from "../../../../src/privacy/guards/schema/schema.ts";
import { SchemaStore } from "../../../../src/privacy/guards/schema/schema_store.ts";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function schemaOf(value: unknown): Schema {
  const schema = readSchema(value);
  if ("fault" in schema) throw new Error(schema.fault);
  return schema;
}

function faultOf(value: unknown): string | null {
  const schema = readSchema(value);
  return "fault" in schema ? schema.fault : null;
}

const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, 1.5, -3, 10, 100, "", "a", "ab", "abc", "é😀", "foo", "2024-01-01"],
  ...[
    [],
    [1],
    [1, 1],
    [1, "a"],
    [1, 2, 3],
    ["a", "b"],
    [[]],
    [null],
    [{ a: 1 }, { a: 1 }],
    [1, true],
    [0, false],
  ],
  ...[{}, { a: 1 }, { a: "x" }, { a: 1, b: 2 }, { b: 2 }, { foo: "x", bar: 1 }, { a: { a: { a: 1 } } }],
  ...[{ a: [1, 2] }, { a: null }, { kind: "cat", lives: 9 }, { kind: "dog" }, { kind: "dog", lives: 1 }],
];

/** With a member that a promise has as well. */
function condition(test: unknown, consequence: unknown, otherwise: unknown = true): Record<string, unknown> {
  const values = [test, consequence, otherwise];
  return Object.fromEntries(["if", "then", "else"].map((keyword, index) => [keyword, values[index]]));
}

/** Every keyword, alone and with those that it has to do with. */
const SCHEMAS: readonly Record<string, unknown>[] = [
  ...["null", "boolean", "number", "integer", "string", "array", "object"].map((type) => ({ type })),
  ...[
    { type: ["string", "null"] },
    { enum: [1, "a", null, { a: 1 }, [1]] },
    { const: { a: 1 } },
    { const: 0 },
  ],
  ...[{ minimum: 1 }, { maximum: 1 }, { exclusiveMinimum: 1 }, { exclusiveMaximum: 1 }, { multipleOf: 2 }],
  ...[{ multipleOf: 0.5 }, { minLength: 2 }, { maxLength: 2 }, { pattern: "^a" }, { pattern: "^[a-z]+$" }],
  ...[{ minItems: 1 }, { maxItems: 1 }, { uniqueItems: true }, { contains: { type: "string" } }],
  ...[
    { minProperties: 1 },
    { maxProperties: 1 },
    { required: ["a", "b"] },
    { propertyNames: { maxLength: 1 } },
  ],
  ...[
    { items: { type: "number" } },
    { additionalProperties: false },
    { additionalProperties: { type: "number" } },
  ],
  { properties: { a: { type: "number" } }, additionalProperties: false },
  { properties: { a: true }, patternProperties: { "^b": { type: "string" } }, additionalProperties: false },
  { allOf: [{ type: "object" }, { required: ["a"] }] },
  { anyOf: [{ type: "string" }, { minimum: 2 }] },
  { oneOf: [{ type: "number" }, { type: "integer" }, { minimum: 5 }] },
  { not: { type: "object" } },
  condition({ type: "object" }, { required: ["a"] }, { type: "array" }),
  { $ref: "#/definitions/tree", definitions: { tree: { type: "object", properties: { a: { $ref: "#" } } } } },
  {
    oneOf: [
      { properties: { kind: { const: "cat" }, lives: { type: "integer" } }, required: ["kind", "lives"] },
      { properties: { kind: { const: "dog" } }, required: ["kind"], additionalProperties: false },
    ],
  },
];
const SCHEMAS_2020: readonly Record<string, unknown>[] = [
  { prefixItems: [{ type: "number" }, { type: "string" }], items: false },
  { contains: { const: 1 }, minContains: 2, maxContains: 2 },
  { dependentRequired: { a: ["b"] } },
  { dependentSchemas: { a: { required: ["b"] } } },
  { allOf: [{ properties: { a: true } }], unevaluatedProperties: false },
  {
    anyOf: [{ required: ["a"], properties: { a: true } }, { properties: { b: true } }],
    unevaluatedProperties: false,
  },
  { prefixItems: [true], contains: { type: "string" }, unevaluatedItems: { type: "number" } },
  { $ref: "#here", $defs: { x: { $anchor: "here", type: "object" } }, required: ["a"] },
];
const SCHEMAS_07: readonly Record<string, unknown>[] = [
  { items: [{ type: "number" }, { type: "string" }], additionalItems: false },
  { dependencies: { a: ["b"], foo: { required: ["bar"] } } },
  { properties: { a: { $ref: "#/definitions/n", type: "string" } }, definitions: { n: { type: "number" } } },
];

describe("what a schema says of a value", () => {
  const drafts = [
    { name: "2020-12", ajv: new Ajv2020({ strict: false, allErrors: true }), head: {}, more: SCHEMAS_2020 },
    {
      name: "07",
      ajv: new Ajv({ strict: false, allErrors: true }),
      head: { $schema: DRAFT_07 },
      more: SCHEMAS_07,
    },
  ];
  for (const { name, ajv, head, more } of drafts) {
    test.each([...SCHEMAS, ...more].map((one) => ({ ...head, ...one })))(
      `of draft ${name} is what ajv says: %j`,
      (value) => {
        // Beside a reference, draft 07 has nothing: ajv leaves that to whoever writes the schema.
        const plain = name === "07" ? JSON.parse(JSON.stringify(value), withoutSiblings) : value;
        const validate = ajv.compile(plain);
        const schema = schemaOf(value);
        for (const judged of VALUES) {
          const verdict = schema.judge(judged);
          expect([judged, verdict.kind]).toEqual([judged, validate(judged) ? "valid" : "invalid"]);
        }
      },
    );
  }

  test("about schemas put together by chance is what ajv says", () => {
    let state = 11;
    const next = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const isLasting = (one: object) =>
      !("$ref" in one || "unevaluatedProperties" in one || "unevaluatedItems" in one);
    const pool = [...SCHEMAS, ...SCHEMAS_2020].filter(isLasting);
    const pick = () => pool[next(pool.length)]!;
    const ajv = new Ajv2020({ strict: false });
    const verdicts = { valid: 0, invalid: 0 };
    for (let round = 0; round < 150; round++) {
      const joined = ["allOf", "anyOf", "oneOf"][next(3)]!;
      const value = {
        ...pick(),
        [joined]: [pick(), { not: pick() }],
        properties: { a: pick(), b: { items: pick() } },
        // What ajv has looked at by a condition that turned out to be false, it has looked at all the same.
        ...(round % 3 === 0 ? { unevaluatedProperties: false } : condition(pick(), pick())),
      };
      const schema = schemaOf(value);
      const validate = ajv.compile(value);
      for (const judged of VALUES) {
        const { kind } = schema.judge(judged);
        if (kind !== (validate(judged) ? "valid" : "invalid"))
          throw new Error(`${JSON.stringify(judged)} is ${kind} by ${JSON.stringify(value)}`);
        verdicts[kind as "valid"] += 1;
      }
    }
    expect(Math.min(verdicts.valid, verdicts.invalid)).toBeGreaterThan(200);
  }, 60_000);

  test("takes decimals for multiples as people do", () => {
    const cents = schemaOf({ multipleOf: 0.01 });
    for (const value of [0.07, 19.99, 1_000_000.01, -0.29]) expect(cents.judge(value).kind).toBe("valid");
    for (const value of [0.075, 19.999]) expect(cents.judge(value).kind).toBe("invalid");
    expect(schemaOf({ multipleOf: 2 }).judge(2.000_000_000_1).kind).toBe("invalid");
  });

  test("names the places that are wrong and what belongs there, and no value", () => {
    const schema = schemaOf({
      type: "object",
      properties: {
        items: { type: "array", items: { type: "object", properties: { price: { type: "number" } } } },
      },
      required: ["items", "total"],
      additionalProperties: false,
    });
    const verdict = schema.judge({ items: [{ price: "12 secret" }], "a/b": 1 });
    expect(verdict).toEqual({
      kind: "invalid",
      errors: [
        "/items/0/price: must be number",
        "/a~1b: must not be there",
        'the answer: must have the member "total"',
      ],
    });
  });

  test("tells eight errors at most, each of 200 characters", () => {
    const verdict = schemaOf({ items: { type: "null" } }).judge(Array.from({ length: 50 }, () => 1));
    expect(verdict.kind === "invalid" && verdict.errors.length).toBe(8);
    const long = schemaOf({ required: ["x".repeat(1_000)] }).judge({});
    expect(long.kind === "invalid" && long.errors[0]!.length).toBeLessThanOrEqual(201);
  });
});

/** Takes away what stands beside a reference. */
function withoutSiblings(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("$ref" in value)) return value;
  return typeof value.$ref === "string" && !("definitions" in value) ? { $ref: value.$ref } : value;
}

describe("a schema", () => {
  test.each([
    [1],
    [null],
    ["a"],
    [[]],
    [{ type: "strng" }],
    [{ required: "a" }],
    [{ properties: [] }],
    [{ minimum: "1" }],
    [{ allOf: [] }],
    [{ anyOf: {} }],
    [{ pattern: "(" }],
    [{ pattern: "(?=a)b" }],
    [{ pattern: "(a)\\1" }],
    [{ $ref: "#/nowhere" }],
    [{ $ref: "https://elsewhere.test/schema.json" }],
    [{ properties: { a: { $ref: "file:///etc/passwd" } } }],
    [{ $ref: "http://json-schema.org/draft-07/schema#" }],
  ])("that is none, or cannot be used, is told: %j", (value) => {
    expect(faultOf(value)).toBeTypeOf("string");
  });

  test("is bounded in depth, in what it is made of, and in its patterns", () => {
    let deep: unknown = {};
    for (let depth = 0; depth < 100; depth++) deep = { not: deep };
    expect(faultOf(deep)).toMatch(/deep/);
    expect(faultOf({ anyOf: Array.from({ length: 6_000 }, () => ({})) })).toMatch(/more than/);
    const patterns = Array.from({ length: 40 }, (_, index) => ({ pattern: `a${index}` }));
    expect(faultOf({ anyOf: patterns })).toMatch(/patterns/);
    expect(faultOf({ pattern: "a".repeat(300) })).toMatch(/characters/);
  });

  test("has names that mean something to JavaScript, and they mean nothing here", () => {
    const schema = schemaOf(
      JSON.parse('{"properties":{"__proto__":{"type":"number"},"constructor":{"type":"null"}}}'),
    );
    expect(schema.judge(JSON.parse('{"__proto__":1,"constructor":null}')).kind).toBe("valid");
    expect(schema.judge(JSON.parse('{"__proto__":"x"}')).kind).toBe("invalid");
    expect(schemaOf({ required: ["toString"] }).judge({}).kind).toBe("invalid");
    expect(faultOf({ type: "toString" })).toBeTypeOf("string");
    expect(faultOf({ $ref: "#/constructor" })).toBeTypeOf("string");
  });
});

describe("a schema that means harm", () => {
  /** How long a verdict took, in milliseconds, and what it was. */
  function timed(schema: unknown, value: unknown): { readonly kind: string; readonly took_ms: number } {
    const read = schemaOf(schema);
    const began_ms = performance.now();
    const { kind } = read.judge(value);
    return { kind, took_ms: performance.now() - began_ms };
  }

  test("by doubling its work at every level is given up", () => {
    const both = { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#/$defs/a" }] };
    const schema = { $ref: "#/$defs/a", $defs: { a: { type: "array", items: both } } };
    let value: unknown = 1;
    for (let depth = 0; depth < 60; depth++) value = [value];
    const { kind, took_ms } = timed(schema, value);
    expect(kind).toBe("unjudged");
    expect(took_ms).toBeLessThan(2_000);
  });

  test("by leading to itself is given up", () => {
    expect(timed({ $ref: "#" }, 1).kind).toBe("unjudged");
    expect(timed({ allOf: [{ $ref: "#" }] }, { a: 1 }).kind).toBe("unjudged");
  });

  test("by a pattern that goes back for ever takes no longer than others", () => {
    const { kind, took_ms } = timed({ pattern: "^(a+)+$" }, `${"a".repeat(30_000)}!`);
    expect(kind).toBe("invalid");
    expect(took_ms).toBeLessThan(2_000);
    expect(timed({ pattern: "(a|aa)+$" }, "a".repeat(1_000_000)).kind).toBe("unjudged");
  });

  test("by comparing everything with everything does not", () => {
    const value = Array.from({ length: 100_000 }, (_, index) => ({ a: index }));
    const { took_ms } = timed({ uniqueItems: true }, value);
    expect(took_ms).toBeLessThan(2_000);
  });
});

describe("the work of an answer", () => {
  test("is that of all its choices together", () => {
    const schema = schemaOf({ allOf: Array.from({ length: 1_000 }, () => ({ items: { type: "number" } })) });
    const value = Array.from({ length: 100 }, () => 1);
    const work = new Work();
    expect(schema.judge(value, work).kind).toBe("valid");
    expect(schema.judge(value, work).kind).toBe("valid");
    expect(schema.judge(value, work).kind).toBe("unjudged");
    expect(schema.judge(value).kind).toBe("valid");
  });
});

describe("schemas that were read", () => {
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

  test("are kept for a tenant, as long as there is room", () => {
    const store = new SchemaStore();
    const first = store.of("one", bytes({ type: "object" }));
    expect(store.of("one", bytes({ type: "object" }))).toBe(first);
    expect(store.of("two", bytes({ type: "object" }))).not.toBe(first);
    expect(store.of("one", bytes({ type: "array" }))).not.toBe(first);
    for (let index = 0; index < 300; index++) store.of("one", bytes({ const: index }));
    expect(store.of("one", bytes({ type: "object" }))).not.toBe(first);
  });

  test("are not read where they are too large", () => {
    const large = bytes({ description: "x".repeat(300_000) });
    expect(new SchemaStore().of("one", large)).toHaveProperty("fault");
  });
});
