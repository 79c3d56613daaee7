// The search for the place where a marker may begin, included once per level.
// Sixty-four places at a time are asked for their first and second byte; only where both fit are markers compared.

/* The set of markers, as packed by markerSet in src/wire/markers.ts. */
struct MarkerFilter {
  int count; /* 0: any byte passes. */
  const uint8_t* bytes;

  /* The places of the block whose byte passes. */
  uint64_t ask(const Block& block) const {
    if (count == 0) return ~uint64_t{0};
    uint64_t mask = 0;
    for (int i = 0; i < count; i++) mask |= block.eq(bytes[i]);
    return mask;
  }
};

constexpr int MARKER_FILTER_BYTES = 9;

inline uint8_t foldedByte(uint8_t byte, bool ignores_case) {
  return ignores_case && static_cast<uint8_t>(byte - 'A') < 26 ? byte + 0x20 : byte;
}

/* What begins at `at`: 1 if a marker does, -1 if the end cuts what may become one, 0 if none does. */
inline int markerAt(const uint8_t* at, const uint8_t* end, const uint8_t* set) {
  const bool ignores_case = set[0] != 0;
  const uint8_t* marker = set + 1 + 2 * MARKER_FILTER_BYTES;
  int count = *marker++;
  bool is_cut = false;
  for (; count > 0; count--) {
    const int length = *marker++;
    const int there = end - at < length ? static_cast<int>(end - at) : length;
    int i = 0;
    while (i < there && foldedByte(at[i], ignores_case) == marker[i]) i++;
    if (i == length) return 1;
    if (i == there) is_cut = true;
    marker += length;
  }
  return is_cut ? -1 : 0;
}

/* See Kernels::find_marker. */
int32_t findMarker(const uint8_t* bytes, int32_t from, int32_t last, const uint8_t* set) {
  const MarkerFilter firsts = {set[1], set + 2};
  const MarkerFilter seconds = {set[1 + MARKER_FILTER_BYTES], set + 2 + MARKER_FILTER_BYTES};
  const uint8_t* at = bytes + from;
  const uint8_t* const end = bytes + last;
  while (at < end) {
    const size_t left = static_cast<size_t>(end - at);
    uint64_t places;
    if (left > 64) {
      places = firsts.ask(Block::load(at));
      if (places != 0) places &= seconds.ask(Block::load(at + 1));
    } else {
      /* The last places have no second byte, or none that a whole block could be loaded for. */
      const Block block = left == 64 ? Block::load(at) : Block::loadPart(at, left);
      places = firsts.ask(block);
      if (left < 64) places &= (uint64_t{1} << left) - 1;
    }
    for (; places != 0; places &= places - 1) {
      const uint8_t* const place = at + __builtin_ctzll(places);
      const int verdict = markerAt(place, end, set);
      const int32_t offset = static_cast<int32_t>(place - bytes);
      if (verdict != 0) return verdict > 0 ? offset : ~offset;
    }
    at += 64;
  }
  return ~last;
}
