// What the string of a JSON text can hold, included once per level: one pass, and a bit for each class that was met.
// The classes are those of src/wire/candidates.ts, which says what each of them means.

/* The bits, in the order of CANDIDATES in src/wire/candidates.ts. */
enum Candidate : int32_t {
  AT = 1,
  SCHEME = 2,
  DIGIT = 4,
  COLONS = 8,
  ASSIGNMENT = 16,
  TOKEN_RUN = 32,
  DASHES = 64,
  FOLDED = 128,
  ESCAPE = 256,
  BRACKET = 512,
  BACKSLASH = 1024,
  ALL = 2047,
};

/* `bits` moved up by `by` (1 to 63) places, with the last bits of the block before. */
inline uint64_t movedUp(uint64_t bits, uint64_t before, int by) {
  return bits << by | before >> (64 - by);
}

/* The answers to one question, with those of the block before, for patterns that lie across the border. */
struct Answers {
  uint64_t bits = 0;
  uint64_t before = 0;

  /* Takes the answers of the next block. */
  void next(uint64_t answers) {
    before = bits;
    bits = answers;
  }

  /* For each byte, the answer of the byte `by` places before it. */
  uint64_t ago(int by) const { return movedUp(bits, before, by); }
};

/* Finds runs by doubling: after `next`, bit i of run16 says that the 16 bytes up to i are all in the run. */
struct Runs {
  Answers run1, run2, run4, run8;
  uint64_t run16 = 0;

  void next(uint64_t answers) {
    run1.next(answers);
    run2.next(run1.bits & run1.ago(1));
    run4.next(run2.bits & run2.ago(2));
    run8.next(run4.bits & run4.ago(4));
    run16 = run8.bits & run8.ago(8);
  }
};

/* How names end that secrets are assigned to: SECRET_NAME_ENDINGS in src/wire/candidates.ts. */
constexpr const char* NAME_ENDINGS[] = {"ord", "swd", "pwd", "pw",  "ass", "ase", "ode", "ort", "\xe3\xb1" "a", "ena",
                                        "nha", "sse", "ret", "ken", "key", "ial", "als", "rer", "ion", "uth", "sig"};

/* Which bytes stand before a last one in NAME_ENDINGS, by the low five bits of both: most words are told from names by this alone. */
struct EndingPairs {
  uint32_t before[32] = {};

  constexpr EndingPairs() {
    for (const char* ending : NAME_ENDINGS) {
      const int last = ending[2] == 0 ? 1 : 2;
      before[ending[last] & 31] |= uint32_t{1} << (ending[last - 1] & 31);
    }
  }
};

constexpr EndingPairs ENDING_PAIRS;

/* Signs between a name and what assigns to it: see BETWEEN_MAX in src/wire/candidates.ts. */
constexpr int BETWEEN_MAX = 6;

inline bool isBetween(uint8_t byte) {
  return byte == ' ' || byte == '"' || byte == '\'' || byte == '\\' || byte == ']' || byte == '?' || byte == ':';
}

/* Whether a secret's name may stand before `sign`. */
inline bool isAssignment(const uint8_t* start, const uint8_t* sign) {
  const uint8_t* end = sign;
  while (end > start && isBetween(end[-1])) {
    if (sign - end == BETWEEN_MAX) return true;
    end--;
  }
  if (end - start < 2 || (ENDING_PAIRS.before[end[-1] & 31] >> (end[-2] & 31) & 1) == 0) return false;
  for (const char* ending : NAME_ENDINGS) {
    const ptrdiff_t length = ending[2] == 0 ? 2 : 3;
    if (end - start < length) continue;
    bool is_same = true;
    for (ptrdiff_t i = 0; i < length; i++) is_same &= (end[i - length] | 0x20) == static_cast<uint8_t>(ending[i]);
    if (is_same) return true;
  }
  return false;
}

/* Whether a slash, perhaps escaped, follows `colon`. */
inline bool isScheme(const uint8_t* colon, const uint8_t* end) {
  const uint8_t* at = colon + 1;
  while (at < end && *at == '\\') at++;
  return at < end && *at == '/';
}

/* See Kernels::candidates. */
int32_t candidates(const uint8_t* bytes, int32_t first, int32_t last) {
  const uint8_t* const start = bytes + first;
  const uint8_t* const end = bytes + last;
  int32_t found = 0;
  Answers hexes, colons, dashes, backslashes, underscores, percents, fours;
  Runs token_runs;
  for (const uint8_t* at = start; at < end && found != ALL; at += 64) {
    const size_t left = static_cast<size_t>(end - at);
    /* The zeros behind the text are in no class. */
    const Block block = left >= 64 ? Block::load(at) : Block::loadPart(at, left);
    const Block lowered = block.lowered();

    const uint64_t digits = block.range('0', '9');
    const uint64_t letters = lowered.range('a', 'z');
    colons.next(block.eq(':'));
    dashes.next(block.eq('-'));
    backslashes.next(block.eq('\\'));
    underscores.next(block.eq('_'));
    percents.next(block.eq('%'));
    hexes.next(digits | (lowered.range('a', 'f') & letters));
    token_runs.next(letters | digits | dashes.bits | underscores.bits);

    if (digits != 0) {
      const uint64_t zeros = block.eq('0');
      found |= DIGIT;
      if ((digits & ~zeros & underscores.ago(1)) != 0) found |= BRACKET;
      fours.next(block.eq('4'));
      if ((zeros & fours.ago(1) & percents.ago(2)) != 0) found |= AT;
    } else fours.next(0);
    if (backslashes.bits != 0) found |= BACKSLASH;
    if (block.eq('@') != 0) found |= AT;
    if (block.eq('[') != 0) found |= BRACKET;
    if (((hexes.bits & hexes.ago(2)) | colons.bits) & colons.ago(1)) found |= COLONS;
    if (token_runs.run16 != 0) found |= TOKEN_RUN;
    if ((dashes.bits & dashes.ago(1) & dashes.ago(2) & dashes.ago(3) & dashes.ago(4)) != 0) found |= DASHES;
    if ((dashes.ago(1) | backslashes.ago(1)) != 0) {
      const uint64_t us = block.eq('u');
      if ((us & dashes.ago(1)) != 0) found |= ASSIGNMENT;
      if ((us & backslashes.ago(1)) != 0) found |= ESCAPE;
    }
    if (block.high() != 0) {
      if ((block.eq(0xd9) | block.eq(0xdb) | block.eq(0xdf) | block.eq(0xe0) | block.eq(0xe1) | block.eq(0xef)) != 0) found |= FOLDED;
      if (block.eq(0xe3) != 0) found |= BRACKET;
    }
    for (uint64_t signs = colons.bits | block.eq('='); signs != 0; signs &= signs - 1) {
      const uint8_t* const sign = at + __builtin_ctzll(signs);
      if (*sign == ':' && isScheme(sign, end)) found |= SCHEME;
      if ((found & ASSIGNMENT) == 0 && isAssignment(start, sign)) found |= ASSIGNMENT;
    }
  }
  return found;
}
