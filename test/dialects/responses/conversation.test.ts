// Conversations that go on by the id of an answer.

import { expect, test } from "vitest";
import {
  referencedIds,
  storedItems,
  unstoredRequest,
  viewEdits,
  withItems,
  withPrevious,
} from "../../../src/dialects/responses/conversation.ts";
import { splice } from "../../../src/wire/splice.ts";

const user = (text: string) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
const said = (id: string) => ({ id, type: "message", role: "assistant", status: "completed", content: [] });

test("each turn has all turns before it, and its own instructions alone", () => {
  const first = { model: "m", input: "One?", instructions: "Be kind." };
  const kept = storedItems(first, { output: [said("msg_1")] });
  const second = { model: "m", input: [{ role: "user", content: "Two?" }], previous_response_id: "resp_1" };
  const asked = withPrevious(second, kept);
  expect(asked).toEqual({
    model: "m",
    input: [user("One?"), said("msg_1"), { role: "user", content: "Two?" }],
  });
  const third = withPrevious(
    { model: "m", input: "Three?" },
    storedItems(asked, { output: [said("msg_2")] }),
  );
  expect(third["input"]).toEqual([
    ...[user("One?"), said("msg_1"), { role: "user", content: "Two?" }, said("msg_2"), user("Three?")],
  ]);
});

test("a reference to an item that is there already adds nothing", () => {
  const kept = { input: [user("One?")], output: [said("msg_1")] };
  const body = { input: [{ type: "item_reference", id: "msg_1" }, { id: "msg_9" }] };
  expect(withPrevious(body, kept)["input"]).toEqual([user("One?"), said("msg_1"), { id: "msg_9" }]);
});

test("references are found, with a type or without, and give way to their items", () => {
  const body = {
    input: [
      { type: "item_reference", id: "msg_1" },
      { id: "msg_2" },
      { type: null, id: "msg_3" },
      said("msg_4"),
      user("x"),
    ],
  };
  expect(referencedIds(body)).toEqual(["msg_1", "msg_2", "msg_3"]);
  const items = new Map([["msg_1", said("msg_1")]]);
  expect(withItems(body, (id) => items.get(id))["input"]).toEqual([said("msg_1"), ...body.input.slice(1)]);
  expect(withItems({ input: "x" }, () => null)).toEqual({ input: "x" });
});

test("an answer without output, an input without anything", () => {
  expect(storedItems({}, {})).toEqual({ input: [], output: [] });
  expect(withPrevious({ previous_response_id: "r" }, { input: [], output: [] })).toEqual({ input: [] });
});

test("a thought that only its provider knows is left out of the next turn", () => {
  const encrypted = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "x" };
  const told = { type: "reasoning", id: "rs_2", summary: [{ type: "summary_text", text: "hm" }] };
  const known_there = { type: "reasoning", id: "rs_3", summary: [] };
  const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" };
  const kept = { input: [known_there], output: [encrypted, told, known_there, { ...call, id: "fc_1" }] };
  const asked = (is_keyed: boolean) => withPrevious({ input: [] }, kept, is_keyed)["input"];
  expect(asked(false)).toEqual([encrypted, told, call]);
  // A provider that encrypts its thoughts does not know them by what it told of them.
  expect(asked(true)).toEqual([encrypted, call]);
  // What is not tied to such a thought keeps its id, by which it is referred to.
  const whole = { input: [], output: [encrypted, { ...call, id: "fc_1" }] };
  expect(withPrevious({ input: [{ type: "item_reference", id: "fc_1" }] }, whole)["input"]).toEqual(
    whole.output,
  );
});

test("a request is told not to be stored, whatever it said, and all else stays", () => {
  const wish = "reasoning.encrypted_content";
  const asked = (body: string, reasons = true) =>
    JSON.parse(Buffer.from(unstoredRequest(Buffer.from(body), reasons)).toString()) as unknown;
  expect(asked("{}", false)).toEqual({ store: false });
  expect(asked("{}")).toEqual({ store: false, include: [wish] });
  for (const store of ["", '"store":true,', '"store":null,', '"store":true,"store":true,'])
    for (const include of [
      "",
      '"include":null,',
      '"include":[],',
      '"include":["a"],',
      `"include":["${wish}"],`,
    ])
      for (const at of [0, 1]) {
        const body = at === 0 ? `{${store}${include}"n":1}` : `{ "n" : 1 , ${include}${store}"m":2}`;
        const before = JSON.parse(body) as { include?: string[] | null };
        expect(asked(body), body).toEqual({
          ...before,
          store: false,
          include: [...(before.include ?? []).filter((one) => one !== wish), wish],
        });
        expect(asked(body, false), body).toEqual({ ...before, store: false });
      }
  // Numbers of any length are what they were.
  expect(Buffer.from(unstoredRequest(Buffer.from('{"n":123456789012345678901}'), false)).toString()).toBe(
    '{"n":123456789012345678901,"store":false}',
  );
});

test("what the client is told of a response is written over what its provider says", () => {
  const view = {
    id: "resp_new",
    previous_response_id: "resp_0",
    store: true,
    repeated: { user: "u", metadata: {} },
  };
  const shown = (text: string, changed = {}) => {
    const bytes = Buffer.from(text);
    const edits = viewEdits(bytes, { start: 0, end: bytes.length }, { ...view, ...changed });
    return JSON.parse(Buffer.concat(splice(bytes, edits)).toString()) as unknown;
  };
  expect(shown('{"store":false,"id":"a","previous_response_id":null,"user":"x","n":1}')).toEqual({
    ...{ id: "resp_new", previous_response_id: "resp_0", store: true, user: "u", n: 1 },
  });
  expect(shown('{"n":1}', { id: null })).toEqual({ n: 1, previous_response_id: "resp_0" });
  expect(shown('{"n":1}', { id: null, previous_response_id: null })).toEqual({ n: 1 });
  expect(shown('{"n":1}', { store: false })).toMatchObject({ id: "resp_new", store: false });
  expect(shown("{}")).toEqual({});
  expect(viewEdits(Buffer.from("[1]"), { start: 0, end: 3 }, view)).toEqual([]);
});
