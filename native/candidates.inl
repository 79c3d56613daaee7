// Which classes of candidates a text can hold, included once per level: one pass, and a bit for each class that was met.
// The classes are those of src/wire/candidates.ts, which says what each of them means.

/* The bits, in the order of CANDIDATES in src/wire/candidates.ts. */
enum Candidate : int32_t {
  AT = 1,
  SCHEME = 2,
  DIGITS = 4,
  DOTTED = 8,
  COLONS = 16,
  CODE = 32,
  HEX_RUN = 64,
  TOKEN_RUN = 128,
  DASHES = 256,
  ESCAPE = 512,
  NON_ASCII = 1024,
  ALL = 2047,
};

/* How many digits a stretch must hold to be DIGITS. */
constexpr int DIGITS_MIN = 7;

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
  Answers run1, run2, run4, run8, run16;

  void next(uint64_t answers) {
    run1.next(answers);
    run2.next(run1.bits & run1.ago(1));
    run4.next(run2.bits & run2.ago(2));
    run8.next(run4.bits & run4.ago(4));
    run16.next(run8.bits & run8.ago(8));
  }
};

/* Counts the digits of stretches of digits and separators, across blocks. */
struct Stretches {
  /* Digits of the stretch that the last block ended in. */
  int open_digits = 0;

  /* Whether a stretch has come to DIGITS_MIN digits. `inside` holds digits and separators. */
  bool next(uint64_t digits, uint64_t inside) {
    int left_open = inside == ~uint64_t{0} ? open_digits : 0;
    for (uint64_t rest = digits; rest != 0;) {
      const int at = __builtin_ctzll(rest);
      const uint64_t outside_before = ~inside & ((uint64_t{1} << at) - 1);
      const int first = outside_before == 0 ? 0 : 64 - __builtin_clzll(outside_before);
      const uint64_t outside_behind = ~inside >> at;
      const int last = outside_behind == 0 ? 64 : at + __builtin_ctzll(outside_behind);
      const uint64_t from_first = ~uint64_t{0} << first;
      const uint64_t stretch = last == 64 ? from_first : from_first & ((uint64_t{1} << last) - 1);
      const int count = __builtin_popcountll(digits & stretch) + (first == 0 ? open_digits : 0);
      if (count >= DIGITS_MIN) return true;
      if (last == 64) left_open = count;
      rest &= ~stretch;
    }
    open_digits = left_open;
    return false;
  }
};

/* See Kernels::candidates. */
int32_t candidates(const uint8_t* bytes, int32_t start, int32_t last) {
  const uint8_t* at = bytes + start;
  const uint8_t* const end = bytes + last;
  int32_t found = 0;
  Answers digits, uppers, colons, slashes, dots, dashes, backslashes, hexes;
  Runs hex_runs, token_runs;
  Stretches stretches;
  while (at < end && found != ALL) {
    const size_t left = static_cast<size_t>(end - at);
    /* The zeros behind the text are in no class. */
    const Block block = left >= 64 ? Block::load(at) : Block::loadPart(at, left);
    const Block lowered = block.lowered();
    at += 64;

    digits.next(block.range('0', '9'));
    const uint64_t letters = lowered.range('a', 'z');
    uppers.next(block.range('A', 'Z'));
    colons.next(block.eq(':'));
    slashes.next(block.eq('/'));
    dots.next(block.eq('.'));
    dashes.next(block.eq('-'));
    backslashes.next(block.eq('\\'));
    hexes.next(digits.bits | (lowered.range('a', 'f') & letters));
    const uint64_t plus = block.eq('+');
    token_runs.next(letters | digits.bits | slashes.bits | dashes.bits | plus | block.eq('_'));
    hex_runs.next(hexes.bits);

    if (block.eq('@') != 0) found |= AT;
    if ((slashes.bits & slashes.ago(1) & colons.ago(2)) != 0) found |= SCHEME;
    if ((digits.bits & dots.ago(1) & digits.ago(2)) != 0) found |= DOTTED;
    if ((hexes.bits & colons.ago(1) & hexes.ago(2)) != 0 || (colons.bits & colons.ago(1)) != 0) found |= COLONS;
    if ((digits.bits & digits.ago(1) & uppers.ago(2) & uppers.ago(3)) != 0) found |= CODE;
    if ((hex_runs.run16.bits & hex_runs.run16.ago(16)) != 0) found |= HEX_RUN;
    if ((token_runs.run16.bits & token_runs.run4.ago(16)) != 0) found |= TOKEN_RUN;
    if ((dashes.bits & dashes.ago(1) & dashes.ago(2) & dashes.ago(3) & dashes.ago(4)) != 0) found |= DASHES;
    if ((block.eq('u') & backslashes.ago(1)) != 0) found |= ESCAPE;
    if (block.high() != 0) found |= NON_ASCII;
    if ((found & DIGITS) == 0) {
      const uint64_t brackets = block.eq('(') | block.eq(')');
      const uint64_t separators = block.eq(' ') | brackets | plus | dashes.bits | dots.bits | slashes.bits;
      if (stretches.next(digits.bits, digits.bits | separators)) found |= DIGITS;
    }
  }
  return found;
}
