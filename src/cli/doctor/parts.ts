// The parts of the program that a host may lack: without them it runs slower or does less, and says so nowhere else before it is asked to.

import { createRequire } from "node:module";
import { hnswlib } from "../../inference/vectors/hnswlib.ts";
import { lmdb } from "../../memory/lmdb.ts";
import { IS_EXECUTABLE, preparedPath } from "../../program/parts.ts";
import { implementations } from "../../wire/kernels.ts";
import { bad, type Finding, ok } from "./finding.ts";

/** The compilers that an installation looks for. */
const COMPILERS = ["c++", "g++", "clang++"];

/**
 * The findings.
 * @param asks_for_models whether the configuration names models of the hub
 */
export function checkParts(asks_for_models: boolean): Finding[] {
  const form = IS_EXECUTABLE
    ? "one executable"
    : preparedPath("") === null
      ? "from the sources, which start slower than what `venturi build --modules` makes of them"
      : "modules made of the sources";
  const findings = [ok("runtime", `Bun ${Bun.version}, ${process.arch}, ${form}`)];
  const level = implementations.at(-1)!.level;
  const compiler = COMPILERS.find((name) => Bun.which(name) !== null) ?? null;
  if (level !== "typescript") findings.push(ok("native part", level));
  else if (IS_EXECUTABLE)
    findings.push(
      bad(
        "warn",
        "native part",
        "does not load here",
        "build the executable for this machine (venturi build); TypeScript does its work, slower",
      ),
    );
  else if (compiler === null)
    findings.push(
      bad(
        "warn",
        "native part",
        "not built: there is no C++ compiler",
        "install g++ and run npm ci again, or use the executable; TypeScript does its work, slower",
      ),
    );
  else
    findings.push(
      bad(
        "warn",
        "native part",
        `not built, though there is ${compiler}`,
        "run npm ci again and read what it says; TypeScript does its work, slower",
      ),
    );
  findings.push(
    "fault" in lmdb
      ? bad(
          "fail",
          "LMDB",
          lmdb.fault,
          "stored keys and caches cannot be used: run npm ci on this machine, with its own C library",
        )
      : ok("LMDB", "loads"),
  );
  findings.push(
    "fault" in hnswlib
      ? bad(
          "note",
          "HNSW",
          "not built",
          "sets of vectors are scanned, which is slower from tens of thousands of answers on; install g++, make and python3 and run npm ci again",
        )
      : ok("HNSW", "loads"),
  );
  if (asks_for_models) findings.push(transformers());
  return findings;
}

function transformers(): Finding {
  const name = "@huggingface/transformers";
  try {
    createRequire(import.meta.url).resolve(name);
    return ok("models of the hub", `${name} is installed`);
  } catch {
    return bad(
      "warn",
      "models of the hub",
      `the configuration names one, and ${name} is not installed`,
      `npm install ${name}`,
    );
  }
}
