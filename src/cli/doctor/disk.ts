// Whether the data folder is on a disk that holds what is written, fast enough, and whether it is this user's alone.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bad, bytesText, type Finding, ok } from "./finding.ts";

/** Space below which there is little time to do something, and none. */
const SPACE_GOOD_BYTES = 5_000_000_000;
const SPACE_LEAST_BYTES = 600_000_000;
/** Writes that are tried. */
const SYNCS = 16;
/** The ledger brings rows to the disk every 400 ms, and a change of keys waits for it. */
const SYNC_GOOD_MS = 20;
const SYNC_MOST_MS = 400;

/** File systems (statfs(2)) on which files cannot be mapped by several processes, or do not last. */
const NETWORK = new Map([
  [0x6969, "NFS"],
  [0x517b, "SMB"],
  [0xff534d42, "CIFS"],
  [0xfe534d42, "SMB2"],
  [0x01021997, "9p"],
]);
const FUSE = 0x65735546;
const TMPFS = 0x01021994;

/** The findings of a data folder, which need not be there yet. */
export function checkDisk(data: string): Finding[] {
  const place = existing(data);
  const findings: Finding[] = [];
  if (place === data) findings.push(ownership(data));
  try {
    const { bavail, bsize, type } = statfsSync(place);
    findings.push(fileSystem(type), space(bavail * bsize));
    findings.push(speed(place));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    findings.push(
      bad(
        "fail",
        "data folder",
        `${data}: ${message}`,
        "let this user write there, or name another folder (data, --data)",
      ),
    );
  }
  return findings;
}

/** The folder, or the nearest above it that is there. */
function existing(folder: string): string {
  let place = folder;
  while (!existsSync(place) && dirname(resolve(place)) !== resolve(place)) place = dirname(resolve(place));
  return place;
}

function ownership(data: string): Finding {
  const { mode, uid } = statSync(data);
  const own = process.getuid?.() ?? uid;
  if (uid !== own && own !== 0)
    return bad(
      "fail",
      "data folder",
      `${data} belongs to uid ${uid}, and this is ${own}`,
      `chown -R ${own} ${data}`,
    );
  if ((mode & 0o077) !== 0)
    return bad(
      "warn",
      "data folder",
      `${data} may be read by others (mode ${(mode & 0o777).toString(8)})`,
      `chmod 700 ${data}`,
    );
  return ok("data folder", data);
}

/** @param type as statfs(2) tells it */
export function fileSystem(type: number): Finding {
  const kind = type >>> 0;
  const network = NETWORK.get(kind);
  if (network !== undefined)
    return bad(
      "fail",
      "file system",
      network,
      "put the data folder on a local disk: files that several processes map are not kept in step over a network",
    );
  if (kind === TMPFS)
    return bad(
      "warn",
      "file system",
      "in memory (tmpfs)",
      "put the data folder on a disk: the ledger and the keys are gone when the machine stops",
    );
  if (kind === FUSE)
    return bad(
      "warn",
      "file system",
      "FUSE",
      "put the data folder on a local disk: not every one of these keeps mapped files in step",
    );
  return ok("file system", `type 0x${kind.toString(16)}`);
}

/** @param free_bytes what this user may still write */
export function space(free_bytes: number): Finding {
  const found = `${bytesText(free_bytes)} free`;
  const advice =
    "make room, or lower ledger.retention_days, ledger.max_mb and cache.max_mb; on a full disk rows wait in memory and keys cannot be changed";
  if (free_bytes < SPACE_LEAST_BYTES) return bad("fail", "disk space", found, advice);
  return free_bytes < SPACE_GOOD_BYTES ? bad("warn", "disk space", found, advice) : ok("disk space", found);
}

/** How long it takes until a small write is on the disk. */
function speed(folder: string): Finding {
  const own = mkdtempSync(join(folder, ".doctor-"));
  try {
    const file = openSync(join(own, "probe"), "w", 0o600);
    const page = Buffer.alloc(4_096, 1);
    const times_ms: number[] = [];
    for (let write = 0; write < SYNCS; write++) {
      const began_ms = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      times_ms.push(performance.now() - began_ms);
    }
    closeSync(file);
    return syncSpeed(times_ms.sort((a, b) => a - b)[SYNCS >> 1]!);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** @param median_ms of a write of 4 KiB with fsync */
export function syncSpeed(median_ms: number): Finding {
  const found = `${median_ms.toFixed(1)} ms until 4 KiB are on it (median of ${SYNCS})`;
  const advice = "use a disk with a faster fsync: rows reach the ledger late, and changes of keys wait";
  if (median_ms > SYNC_MOST_MS) return bad("fail", "disk speed", found, advice);
  return median_ms > SYNC_GOOD_MS ? bad("warn", "disk speed", found, advice) : ok("disk speed", found);
}
