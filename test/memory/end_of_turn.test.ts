import { expect, test } from "vitest";
import { atEndOfTurn, endOfTurn } from "../../src/memory/end_of_turn.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("what a turn has to send is sent at its end, in order, and once", async () => {
  const sent: number[] = [];
  for (let number = 0; number < 5; number++) atEndOfTurn({ sendNow: () => sent.push(number) });
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
    atEndOfTurn({ sendNow: () => sent.push(number) });
    // Never do more than a few wait.
    expect(number + 1 - sent.length).toBeLessThanOrEqual(16);
  }
  expect(sent).toHaveLength(32);
  await turn();
  expect(sent).toEqual(Array.from({ length: 40 }, (_, number) => number));
});

test("what is asked for while others are sent is sent as well", async () => {
  const sent: string[] = [];
  atEndOfTurn({
    sendNow: () => {
      sent.push("first");
      atEndOfTurn({ sendNow: () => sent.push("second") });
    },
  });
  await turn();
  await turn();
  expect(sent).toEqual(["first", "second"]);
});

test("who sends himself is told when all of the turn is there, or enough of it", async () => {
  const sent: string[] = [];
  const answer = async (name: string) => {
    await endOfTurn();
    sent.push(name);
  };
  const answers = [answer("an answer"), answer("another")];
  atEndOfTurn({ sendNow: () => sent.push("a request") });
  await Promise.resolve();
  expect(sent).toEqual([]);
  await turn();
  await Promise.all(answers);
  expect(sent).toEqual(["a request", "an answer", "another"]);
  const many = Array.from({ length: 16 }, (_, number) => answer(String(number)));
  // The sixteenth is not waited for by any of them, nor is the end of the turn.
  await Promise.all(many);
  expect(sent).toHaveLength(19);
});
