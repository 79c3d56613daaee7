// What time it is in a zone, checked against the runtime's own word, over the changes of clocks too.

import { expect, test } from "vitest";
import { localTime } from "../../src/routing/time_of_day.ts";
import { randomIntegers } from "../memory/random.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

test("any moment in any zone is what its clocks show", () => {
  const random = randomIntegers(11);
  const zones = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
  ];
  const changes = [
    Date.UTC(2026, 2, 29, 1),
    Date.UTC(2026, 9, 25, 1),
    Date.UTC(2026, 2, 8, 7),
    Date.UTC(1969, 11, 31),
  ];
  for (let count = 0; count < 3_000; count++) {
    const zone = zones[random(zones.length)]!;
    const near = changes[random(changes.length)]! + (random(7_200_000) - 3_600_000);
    const time_ms = random(2) === 0 ? near : random(2_000_000_000) * 1_000;
    const shown = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: zone, hourCycle: "h23", weekday: "short", hour: "numeric", minute: "numeric" },
    }).formatToParts(time_ms);
    const part = (type: string) => shown.find((one) => one.type === type)!.value;
    expect(localTime(zone, time_ms)).toEqual({
      weekday: DAYS.indexOf(part("weekday")),
      minute: Number(part("hour")) * 60 + Number(part("minute")),
    });
  }
});
