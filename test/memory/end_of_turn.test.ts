import { expect, test } from "vitest";
import { atEndOfTurn } from "../../src/memory/end_of_turn.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what a turn has to send is sent at its end, in order, and once", async () => {
  const sent: number[] = [];
  for (let number = 0; number < 5; number++) atEndOfTurn(() => sent.push(number));
  await Promise.resolve();
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([0, 1, 2, 3, 4]);
  await turn();
  expect(sent).toHaveLength(5);
});

test("a turn that has much to send does not keep its first until its last", async () => {
  const sent: number[] = [];
  for (let number = 0; number < 40; number++) {
    atEndOfTurn(() => sent.push(number));
    // Never do more than a few wait.
    expect(number + 1 - sent.length).toBeLessThanOrEqual(16);
  }
  expect(sent).toHaveLength(32);
  await turn();
  expect(sent).toEqual(Array.from({ length: 40 }, (_, number) => number));
});

test("what is asked for while others are sent is sent as well", async () => {
  const sent: string[] = [];
  atEndOfTurn(() => {
    sent.push("first");
    atEndOfTurn(() => sent.push("second"));
  });
  await turn();
  await turn();
  expect(sent).toEqual(["first", "second"]);
});
