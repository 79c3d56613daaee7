// Certificates that should be renewed are told of at once, and not again and again.

import { expect, test } from "vitest";
import type { TlsPlan } from "../../src/config/certificates.ts";
import { watchExpiry } from "../../src/supervisor/expiry_watch.ts";

const DAY_S = 86_400;

/** What is told of a certificate that has held for 80 days and holds for so many more. */
function toldOf(days: number): string[] {
  const now_s = Math.floor(Date.now() / 1_000);
  const times = { not_before_s: now_s - 80 * DAY_S, not_after_s: now_s + days * DAY_S + 60 };
  const certificates = [{ cert: "", key: "", names: ["a.test"], ...times }];
  const tls: TlsPlan = { certificates, min_version: "1.2", client_ca: null };
  const told: string[] = [];
  watchExpiry(
    () => tls,
    (line, level) => told.push(`${level}: ${line}`),
  )();
  return told;
}

test("a certificate is told of once it should be renewed, and as an error once it has expired", () => {
  expect(toldOf(30)).toEqual([]);
  expect(toldOf(10)).toEqual([
    expect.stringMatching(/^warn: certificate of a\.test: until .*, 10 days; renew it$/),
  ]);
  expect(toldOf(-1)).toEqual([expect.stringMatching(/^error: certificate of a\.test: has expired at /)]);
});
