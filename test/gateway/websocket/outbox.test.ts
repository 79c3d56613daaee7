// The way out of a session: who gets a turn when the client reads slowly, and when an upstream has to wait.

import { describe, expect, test } from "vitest";
import { JSON_CODEC, MSGPACK_CODEC } from "../../../src/gateway/websocket/codec.ts";
import { Outbox } from "../../../src/gateway/websocket/outbox.ts";
import { ReplayLog } from "../../../src/gateway/websocket/replay_log.ts";
import type { Wire } from "../../../src/gateway/websocket/wire.ts";

/** A client that takes what it is told to take. */
class SlowWire implements Wire {
  buffered_bytes = 0;
  readonly sent: (string | Uint8Array)[] = [];

  send(frame: string | Uint8Array): void {
    this.sent.push(frame);
    this.buffered_bytes += frame.length;
  }

  batch(send: () => void): void {
    send();
  }

  close(): void {}
  cut(): void {}
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const frame = (who: string, number: number, size = 1_000) =>
  JSON.stringify({ who, number, fill: "x".repeat(size) });
const whoOf = (sent: string | Uint8Array) => (JSON.parse(String(sent)) as { who: string }).who;

describe("frames on their way to a slow client", () => {
  test("take turns between calls, however much each has, and each in its order", async () => {
    const wire = new SlowWire();
    const outbox = new Outbox(JSON_CODEC);
    outbox.attach(wire, JSON_CODEC);
    const queues = { a: outbox.queue(), b: outbox.queue(), c: outbox.queue() };
    for (let i = 0; i < 60; i++) queues.a.push(frame("a", i));
    for (let i = 0; i < 60; i++) queues.b.push(frame("b", i));
    for (let i = 0; i < 3; i++) queues.c.push(frame("c", i));
    await settled();
    // As much as the socket is given beyond what its client takes.
    expect(wire.sent.length).toBeLessThan(20);
    while (!outbox.is_empty) {
      wire.buffered_bytes = 0;
      outbox.pump();
    }
    const order = wire.sent.map(whoOf);
    expect(order.slice(0, 9).join("")).toBe("abcabcabc");
    expect(order.slice(9).join("")).toBe("ab".repeat(57));
    const numbers = wire.sent
      .filter((one) => whoOf(one) === "a")
      .map((one) => (JSON.parse(String(one)) as { number: number }).number);
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, index) => index));
    expect(outbox.waiting_chars).toBe(0);
  });

  test("hold their upstream back, and let it go on when there is room", async () => {
    const wire = new SlowWire();
    wire.buffered_bytes = 1_000_000;
    const outbox = new Outbox(JSON_CODEC);
    outbox.attach(wire, JSON_CODEC);
    const queue = outbox.queue();
    queue.push(frame("a", 0, 8_000));
    expect(queue.room).toBeNull();
    queue.push(frame("a", 1, 9_000));
    const { room } = queue;
    expect(room).not.toBeNull();
    let is_free = false;
    void room!.then(() => {
      is_free = true;
    });
    let is_empty = false;
    queue.whenEmpty(() => {
      is_empty = true;
    });
    await settled();
    expect([is_free, is_empty]).toEqual([false, false]);
    wire.buffered_bytes = 0;
    outbox.pump();
    await settled();
    expect([is_free, is_empty]).toEqual([true, true]);
  });

  test("come after the gateway's own words, of which there are not too many", async () => {
    const wire = new SlowWire();
    wire.buffered_bytes = 1_000_000;
    const outbox = new Outbox(JSON_CODEC);
    outbox.attach(wire, JSON_CODEC);
    outbox.queue().push(frame("a", 0));
    expect(outbox.say(frame("gateway", 0))).toBe(true);
    expect(outbox.say(frame("gateway", 1, 70_000))).toBe(false);
    wire.buffered_bytes = 0;
    outbox.pump();
    expect(wire.sent.map(whoOf)).toEqual(["gateway", "a"]);
  });

  test("wait for a client that comes back, bounded for all calls together, and are numbered as they go", async () => {
    const log = new ReplayLog(20_000, { max_bytes: 1_000_000, used_bytes: 0 });
    const outbox = new Outbox(JSON_CODEC, log);
    const [a, b] = [outbox.queue(), outbox.queue()];
    outbox.attach(new SlowWire(), JSON_CODEC);
    a.push(frame("a", 0));
    await settled();
    outbox.detach();
    for (let i = 1; i < 19; i++) a.push(frame("a", i));
    // More than a queue may have before a client that is there.
    expect([a.room, b.room]).toEqual([null, null]);
    b.push(frame("b", 0, 3_000));
    expect([a.room === null, b.room === null]).toEqual([false, false]);
    const back = new SlowWire();
    outbox.attach(back, MSGPACK_CODEC, log.after(0)!);
    for (; !outbox.is_empty; outbox.pump()) back.buffered_bytes = 0;
    const seqs = back.sent.map(
      (bytes) => (JSON.parse(String(MSGPACK_CODEC.decode(bytes))) as { seq: number }).seq,
    );
    expect(seqs).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});
