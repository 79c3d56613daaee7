// A process that holds a state as its supervisor (`FOLDER state`) or an area of it as a gateway process (`FOLDER area INDEX`),
// and does nothing more until it is killed.

import { EventSink } from "../../src/memory/spill.ts";
import { createState, openState } from "../../src/memory/state.ts";
import { line } from "./lines.ts";

const [folder = "", what, index] = process.argv.slice(2);
if (what === "state") createState(folder, { areas: 2, call_slots: 16 }, () => {});
else new EventSink(folder, openState(folder).area(Number(index))).push(line("held"));
console.log("holding");
setTimeout(() => process.exit(3), 60_000);
