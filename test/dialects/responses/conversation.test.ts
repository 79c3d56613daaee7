// Conversations that go on by the id of an answer.

import { expect, test } from "vitest";
import {
  referencedIds,
  storedItems,
  withItems,
  withPrevious,
} from "../../../src/dialects/responses/conversation.ts";

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
