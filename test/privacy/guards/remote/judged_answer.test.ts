// Texts that are judged window by window while they come: whatever the pieces and the windows, the same is taken out.

import { expect, test } from "vitest";
import { JudgedAnswer } from "../../../../src/privacy/guards/remote/judged_answer.ts";
import type { JudgedText, TextSpan } from "../../../../src/privacy/guards/remote/question.ts";

/** What a guard finds that looks for a word. */
function find(texts: readonly JudgedText[], word: RegExp): TextSpan[] {
  return texts.flatMap(({ text }, index) =>
    Array.from(text.matchAll(word), ({ 0: found, index: at }) => ({
      ...{ text: index, start: at, end: at + found.length, replacement: "#" },
    })),
  );
}

function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  "a text in pieces is cut as it would be whole (%d)",
  (seed) => {
    const pick = random(seed);
    const words = ["falcon", "hawk ", "and ", "a ", "fal", "con"];
    const said = Array.from({ length: 300 }, () => words[pick(words.length)]).join("");
    const answer = new JudgedAnswer();
    const seen = answer.collect.begin("text");
    const given = answer.cut.begin("text");
    let out = "";
    let from = 0;
    let waiting: string[] = [];
    while (from < said.length || waiting.length > 0) {
      const size = 1 + pick(40);
      const piece = said.slice(from, from + size);
      from += size;
      if (piece !== "") waiting.push(seen.push(piece));
      const is_last = from >= said.length;
      if (pick(3) > 0 && !is_last) continue;
      answer.settle(find(answer.take(), /falcon/g));
      // What the end of the window has may go on: it waits, as the gate has it.
      const keep = is_last ? 0 : 20;
      const all = waiting.join("");
      out += given.push(all.slice(0, Math.max(0, all.length - keep)));
      waiting = all.length > keep && keep > 0 ? [all.slice(-keep)] : keep > 0 ? [all] : [];
      answer.wentOut(answer.judged);
    }
    expect(out).toBe(said.replaceAll("falcon", "#"));
    expect(answer.has_leaked).toBe(false);
  },
);

test("what is found where some has gone out is cut from there on, and told once", () => {
  const answer = new JudgedAnswer();
  const seen = answer.collect.begin("text");
  const given = answer.cut.begin("text");
  seen.push("a fal");
  answer.settle(find(answer.take(), /falcon/g));
  expect(given.push("a fal")).toBe("a fal");
  seen.push("con and");
  const texts = answer.take();
  expect(texts).toEqual([{ source: "assistant", text: "a falcon and", given: 5 }]);
  answer.settle(find(texts, /falcon|falcon and/g));
  expect(given.push("c")).toBe("#");
  expect(given.push("on")).toBe("");
  expect(given.push(" and")).toBe(" and");
});

test("what goes on without having been judged is seen", () => {
  const answer = new JudgedAnswer();
  answer.collect.begin("text").push("well");
  const given = answer.cut.begin("text");
  answer.settle(find(answer.take(), /x/g));
  given.push("well");
  expect(answer.has_leaked).toBe(false);
  given.push("!");
  expect(answer.has_leaked).toBe(true);
});

test("what has gone out is kept for a while, and no longer", () => {
  const answer = new JudgedAnswer();
  const seen = answer.collect.begin("text");
  const given = answer.cut.begin("text");
  for (let round = 0; round < 50; round++) {
    seen.push("x".repeat(1_000));
    const [text] = answer.take();
    expect(text!.text.length).toBeLessThanOrEqual(1_500);
    expect(text!.given).toBe(round === 0 ? 0 : 500);
    answer.settle([]);
    given.push("x".repeat(1_000));
    answer.wentOut(answer.judged);
  }
});

test("what goes out before it is judged is judged all the same", () => {
  const answer = new JudgedAnswer();
  const seen = answer.collect.begin("text");
  const given = answer.cut.begin("text");
  const pass = (piece: string) => given.push(seen.push(piece));
  pass("x".repeat(1_000));
  answer.take();
  pass(`a falcon ${"x".repeat(2_000)}`);
  answer.wentOut(answer.judged);
  answer.settle([]);
  answer.wentOut(answer.judged);
  const [text] = answer.take();
  expect(text!.text).toContain("a falcon");
  expect(text!.given).toBe(text!.text.length);
});

test("texts that come whole are each judged", () => {
  const answer = new JudgedAnswer();
  for (const text of ["a falcon", "a hawk", "a falcon"]) answer.collect.treat(text);
  const texts = answer.take();
  expect(texts.map(({ text }) => text)).toEqual(["a falcon", "a hawk"]);
  answer.settle(find(texts, /falcon/g));
  expect(["a falcon", "a hawk", "a falcon"].map((text) => answer.cut.treat(text))).toEqual([
    "a #",
    "a hawk",
    "a #",
  ]);
  expect(answer.has_leaked).toBe(false);
});
