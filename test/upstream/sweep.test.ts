// Everybody's time is looked at: often where it is short, twice a second where it is long, and nobody is forgotten when others leave.

import { expect, test } from "vitest";
import { arePatient, Sweep, type Timed } from "../../src/upstream/http1/sweep.ts";
import { until } from "../until.ts";

class Member implements Timed {
  sweep_slot = -1;
  checks = 0;
  readonly is_patient: boolean;
  onCheck = () => {};

  constructor(is_patient: boolean) {
    this.is_patient = is_patient;
  }

  check(): void {
    this.checks += 1;
    this.onCheck();
  }
}

test("limits of seconds are patient, shorter ones are not", () => {
  const long = { connect_ms: 5_000, first_byte_ms: 60_000, idle_ms: 120_000, total_ms: 0 };
  expect(arePatient(long)).toBe(true);
  for (const name of Object.keys(long)) expect(arePatient({ ...long, [name]: 200 })).toBe(false);
});

test("all are asked, in turns of a few", async () => {
  const sweep = new Sweep(() => false);
  const hasty = new Member(false);
  const patient = Array.from({ length: 53 }, () => new Member(true));
  for (const member of [hasty, ...patient]) sweep.add(member, performance.now());
  expect(sweep.size).toBe(54);
  await until(() => patient.every(({ checks }) => checks >= 2));
  const most = Math.max(...patient.map(({ checks }) => checks));
  expect(most).toBeLessThanOrEqual(3);
  expect(hasty.checks).toBeGreaterThan(5 * most);
  for (const member of [hasty, ...patient]) sweep.remove(member);
  expect(sweep.size).toBe(0);
});

test("who leaves while it is asked, or takes others along, keeps nobody from being asked", async () => {
  const sweep = new Sweep(() => false);
  const members = Array.from({ length: 60 }, () => new Member(true));
  for (const [index, member] of members.entries()) {
    member.onCheck = () => {
      sweep.remove(member);
      if (index % 3 === 0) sweep.remove(members[index + 1]!);
    };
    sweep.add(member, performance.now());
  }
  await until(() => sweep.size === 0);
  const unasked = members.filter(({ checks }) => checks === 0);
  expect(unasked.every((member) => members.indexOf(member) % 3 === 1)).toBe(true);
  expect(Math.max(...members.map(({ checks }) => checks))).toBe(1);
});
