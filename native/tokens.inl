// The estimate of tokens, included once per level: classes of 64 bytes at a time, counted, weighed and added up.
// What is counted and why stands in src/wire/tokens.ts; the sums are of whole numbers, so both are the same to the last bit.

/* In 1/4096 of a token. */
constexpr int LETTER_WEIGHT = 571;
constexpr int WORD_WEIGHT = 1842;
constexpr int HUMP_WEIGHT = 1285;
constexpr int DIGIT_WEIGHT = 1575;
constexpr int NUMBER_WEIGHT = 5808;
constexpr int PUNCTUATION_WEIGHT = 712;
constexpr int PUNCTUATION_RUN_WEIGHT = 1835;
constexpr int INDENTATION_WEIGHT = 5837;
constexpr int LOW_ESCAPE_WEIGHT = -1300;

/* Characters by their first byte in UTF-8. */
struct Lead {
  uint8_t lowest;
  uint8_t highest;
  int16_t weight;
};

constexpr Lead LEADS[] = {
    {0xc2, 0xcd, 4500},  {0xce, 0xcf, 1703}, {0xd0, 0xd3, 1137}, {0xd4, 0xd7, 1434}, {0xd8, 0xdf, 1465},
    {0xe0, 0xe0, 1567},  {0xe1, 0xe1, 1638}, {0xe2, 0xe2, 6447}, {0xe3, 0xe3, 2923}, {0xe4, 0xe9, 3057},
    {0xea, 0xed, 2797},  {0xee, 0xef, 2502}, {0xf0, 0xf4, 15591},
};

inline int64_t weigh(uint64_t answers, int weight) {
  return static_cast<int64_t>(__builtin_popcountll(answers)) * weight;
}

/* See Kernels::estimate_tokens. */
int32_t estimateTokens(const uint8_t* bytes, int32_t start, int32_t last) {
  const uint8_t* at = bytes + start;
  const uint8_t* const end = bytes + last;
  int64_t sum = 0;
  Answers letters, lowers, highs, digits, punctuation, blanks, backslashes, escapes;
  while (at < end) {
    const size_t left = static_cast<size_t>(end - at);
    /* The zeros behind the text are in no class. */
    const Block block = left >= 64 ? Block::load(at) : Block::loadPart(at, left);
    at += 64;

    backslashes.next(block.eq('\\'));
    escapes.next(backslashes.ago(1) == 0 ? 0 : block.eq('u') & backslashes.ago(1));
    uint64_t plain = ~uint64_t{0};
    if ((escapes.bits | escapes.before) != 0) {
      plain = ~(escapes.bits | escapes.ago(1) | escapes.ago(2) | escapes.ago(3) | escapes.ago(4));
      sum += weigh(block.eq('0') & escapes.ago(1), LOW_ESCAPE_WEIGHT);
    }

    const uint64_t uppers = block.range('A', 'Z') & plain;
    lowers.next(block.range('a', 'z') & plain);
    letters.next(uppers | lowers.bits);
    digits.next(block.range('0', '9') & plain);
    punctuation.next(block.range(0x21, 0x7e) & plain & ~letters.bits & ~digits.bits);
    blanks.next((block.eq(' ') | block.eq('\t')) & plain);
    const uint64_t unescaped_highs = block.high() & plain;
    highs.next(unescaped_highs | ~plain);

    const uint64_t in_word = letters.ago(1) | highs.ago(1);
    sum += weigh(letters.bits, LETTER_WEIGHT) + weigh(letters.bits & ~in_word, WORD_WEIGHT);
    sum += weigh(uppers & lowers.ago(1), HUMP_WEIGHT);
    sum += weigh(punctuation.bits, PUNCTUATION_WEIGHT);
    sum += weigh(punctuation.bits & ~punctuation.ago(1), PUNCTUATION_RUN_WEIGHT);
    sum += weigh(blanks.bits & blanks.ago(1) & ~blanks.ago(2), INDENTATION_WEIGHT);
    if (digits.bits != 0) {
      sum += weigh(digits.bits, DIGIT_WEIGHT) + weigh(digits.bits & ~digits.ago(1), NUMBER_WEIGHT);
    }
    if (unescaped_highs != 0) {
      for (const Lead& lead : LEADS) sum += weigh(block.range(lead.lowest, lead.highest) & plain, lead.weight);
    }
  }
  return sum < 0 ? 0 : static_cast<int32_t>((sum + 2048) >> 12);
}
