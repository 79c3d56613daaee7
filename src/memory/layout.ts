// Where everything is in the mapped file: its regions in their order, and the fields at fixed places.
// Sizes that a process can choose are the geometry; all others are fixed by the version. docs/memory.md has the picture.

/** Raised whenever a field moves or changes its meaning; what of earlier versions goes on is in `earlier.ts`. */
export const LAYOUT_VERSION = 6;

/** What the supervisor chooses when it makes the file. */
export interface Geometry {
  /** How many gateway processes can have an area of their own. */
  readonly areas: number;
  /** Calls that one gateway process can have in flight. */
  readonly call_slots: number;
}

/** More processes than columns of a gauge. */
export const AREAS_MAX = 64;
/** Most call slots of an area: 64 MiB of text. */
const CALL_SLOTS_MAX = 65_536;

const PAGE_BYTES = 4096;

/** The header's page: what the file is, then lines that every process shares. */
export const HEADER_BYTES = PAGE_BYTES;
/** Word of the supervisor's process id; the fingerprint of its start follows. */
export const SUPERVISOR_WORD = 16;
/** Words that the supervisor writes for whoever tells of the gateway: when it started, in seconds since 1970. */
export const STARTED_WORD = 64;
/** Spans that no collector got, since the file was made. */
export const OTLP_DROPPED_WORD = 65;
/** In how many measures models answer otherwise than usual, as it was found last. */
export const QUALITY_SHIFTS_WORD = 66;
/** What became of the content of calls, a word for each of `CONTENT_OUTCOMES`, since the file was made. */
export const CONTENT_WORD = 72;
/** Words of the store that rows go to beyond the data folder: how it is, rows that wait, rows that it has, since when they wait. */
export const LEDGER_STORE_WORD = 68;
/** Words of the state that hosts share: how it is, how many hosts there are, and what it has come to. */
export const SHARED_STATE_WORD = 84;
/** Word that says until when, in seconds since 1970, calls have to look how targets do before they choose one. */
export const CAREFUL_WORD = 80;

/** The same word for the keys of providers: until when some of them rest. */
export const RESTING_WORD = 81;
/** Word of the first drill; they fill the rest of the page. */
export const DRILLS_WORD = 128;
/** Words of a drill: 512 bytes. */
export const DRILL_SLOT_WORDS = 128;
/** Drills at once. */
export const DRILL_SLOTS = (HEADER_BYTES / 4 - DRILLS_WORD) / DRILL_SLOT_WORDS;

/** Words of a counter's entry that are the caller's. */
export const COUNTER_WORDS = 80;
/** Words before them: state, key, last use, how long it may idle, kind. One cache line. */
export const COUNTER_HEAD_WORDS = 16;
/** Words of a whole entry: 384 bytes. */
export const COUNTER_ENTRY_WORDS = COUNTER_HEAD_WORDS + COUNTER_WORDS;

/** Where a table of counters is, in words. */
export interface TablePlaces {
  /** How many entries it has; a power of two. */
  readonly entries: number;
  /** The lock that insertions take. */
  readonly lock: number;
  /** Counts evicted counters; behind it those lookups that found no room for a new one. */
  readonly evicted: number;
  /** A bit per entry: which have ever been used. */
  readonly used_bits: number;
  /** The same: which hold gauges, or have held one. */
  readonly gauge_bits: number;
  /** The first entry. */
  readonly first: number;
}

/** A table's bitmaps, then its entries, from a page on. */
function tablePlaces(entries: number, lock: number, offset: number): TablePlaces {
  const used_bits = offset / 4;
  const gauge_bits = used_bits + entries / 32;
  const first = toPage((gauge_bits + entries / 32) * 4) / 4;
  return { entries, lock, evicted: lock + 16, used_bits, gauge_bits, first };
}

function endOf({ first, entries }: TablePlaces): number {
  return toPage((first + entries * COUNTER_ENTRY_WORDS) * 4);
}

/** What limits are counted in. */
export const COUNTERS = tablePlaces(65_536, 32, HEADER_BYTES);
/** What is known of the health of targets and of providers' keys: apart, because clients can name any model. */
export const HEALTH = tablePlaces(8_192, 96, endOf(COUNTERS));

/** Places of what rests, of two words each; a power of two. */
export const REST_PLACES = 4_096;
/** The first of them. */
export const RESTS_WORD = endOf(HEALTH) / 4;

/** Series that a process can count in. */
export const SERIES_MAX = 512;
/** Bytes of a series: its name, its counts by label, its histograms. */
export const SERIES_BYTES = 7168;
/** Bytes of a process' series, with a page before them. There are as many as columns of a gauge, whatever the geometry. */
export const SERIES_BLOCK_BYTES = PAGE_BYTES + SERIES_MAX * SERIES_BYTES;
/** Where the series of the first process begin, in bytes. */
export const SERIES_OFFSET = toPage((RESTS_WORD + 2 * REST_PLACES) * 4);
/** Where a block's series begin, in bytes from its beginning. */
export const SERIES_HEADER_BYTES = PAGE_BYTES;

/** Where the areas begin, in bytes. */
export const AREAS_OFFSET = SERIES_OFFSET + AREAS_MAX * SERIES_BLOCK_BYTES;

/** Bytes of a call's slot. */
export const CALL_SLOT_BYTES = 1024;
/** Bytes before a slot's text: its progress. */
export const CALL_HEAD_BYTES = 32;
/** Bytes of a ring; a power of two. */
export const RING_BYTES = 2 * 1024 * 1024;

/** The lines at the beginning of an area, as words from there: each is written by one side only. */
export const AREA_OWNER_WORD = 0;
/** Where the ring's producer is. */
export const AREA_TAIL_WORD = 16;
/** Where the ring's consumer is. */
export const AREA_HEAD_WORD = 32;
/** Which spill file is being written. */
export const AREA_SPILL_WORD = 48;
const AREA_HEADER_BYTES = PAGE_BYTES;

/** Where the parts of an area are, in bytes from the beginning of the file. */
export interface AreaPlaces {
  readonly header: number;
  /** A word per call slot, side by side, so that looking for used ones touches no text. */
  readonly call_states: number;
  readonly call_slots: number;
  readonly ring: number;
}

function toPage(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
}

function areaBytes({ call_slots }: Geometry): number {
  return AREA_HEADER_BYTES + toPage(call_slots * 4) + toPage(call_slots * CALL_SLOT_BYTES) + RING_BYTES;
}

/** How long a file of this geometry is. */
export function fileBytes(geometry: Geometry): number {
  return AREAS_OFFSET + geometry.areas * areaBytes(geometry);
}

/** The longest file: bytes are counted with 31 bits. */
const FILE_MAX_BYTES = 2 ** 31 - PAGE_BYTES;

/** The same geometry with as many call slots as fit into the longest file. */
export function fitted({ areas, call_slots }: Geometry): Geometry {
  const slots_bytes = (FILE_MAX_BYTES - fileBytes({ areas, call_slots: 0 })) / areas - 2 * PAGE_BYTES;
  const most = Math.min(CALL_SLOTS_MAX, Math.floor(slots_bytes / (CALL_SLOT_BYTES + 4)));
  return { areas, call_slots: Math.min(call_slots, most) };
}

/** Whether a file can have this geometry. No areas at all are possible: for a moment, between two geometries. */
export function isPossible(geometry: Geometry): boolean {
  const { areas, call_slots } = geometry;
  if (!Number.isInteger(areas) || !Number.isInteger(call_slots)) return false;
  const is_sized = areas >= 0 && areas <= AREAS_MAX && call_slots >= 1 && call_slots <= CALL_SLOTS_MAX;
  return is_sized && fileBytes(geometry) <= FILE_MAX_BYTES;
}

/** Where an area's parts are. */
export function areaPlaces(geometry: Geometry, index: number): AreaPlaces {
  const header = AREAS_OFFSET + index * areaBytes(geometry);
  const call_states = header + AREA_HEADER_BYTES;
  const call_slots = call_states + toPage(geometry.call_slots * 4);
  return {
    header,
    call_states,
    call_slots,
    ring: call_slots + toPage(geometry.call_slots * CALL_SLOT_BYTES),
  };
}
