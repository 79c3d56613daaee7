// The level without vector instructions: 64 bytes as eight words of eight bytes, with arithmetic on all bytes of a word.
// It is there for processors that have nothing else, and as the yardstick of the others. Words are little-endian.

#include <bit>
#include <cstring>

#include "kernels.h"

static_assert(std::endian::native == std::endian::little);

namespace venturi {
namespace {

constexpr uint64_t ONES = 0x0101010101010101;
constexpr uint64_t LOWS = 0x7f7f7f7f7f7f7f7f;
constexpr uint64_t HIGHS = 0x8080808080808080;

/* 64 bytes of text. Each question to it is answered by 64 bits, the lowest of them for the first byte. */
struct Block {
  uint64_t words[8];

  static Block load(const uint8_t* from) {
    Block block;
    std::memcpy(block.words, from, 64);
    return block;
  }

  /* The first `count` bytes and zeros behind them; count < 64. */
  static Block loadPart(const uint8_t* from, size_t count) {
    Block block = {};
    std::memcpy(block.words, from, count);
    return block;
  }

  /* Gathers the top bits of all bytes. The product moves each of eight bits to its place in the highest byte. */
  template <typename Question>
  uint64_t ask(Question question) const {
    uint64_t mask = 0;
    for (int i = 0; i < 8; i++) {
      const uint64_t top_bits = question(words[i]) & HIGHS;
      mask |= (((top_bits >> 7) * 0x0102040810204080) >> 56) << (8 * i);
    }
    return mask;
  }

  static uint64_t wordEq(uint64_t word, uint8_t byte) {
    const uint64_t differences = word ^ (ONES * byte);
    return ~(((differences & LOWS) + LOWS) | differences);
  }

  /* lowest and highest < 0x80. The sums of seven-bit bytes cannot carry into the next byte. */
  static uint64_t wordRange(uint64_t word, uint8_t lowest, uint8_t highest) {
    const uint64_t low_bits = word & LOWS;
    const uint64_t at_least = low_bits + ONES * (0x80 - lowest);
    const uint64_t above = low_bits + ONES * (0x7f - highest);
    return at_least & ~above & ~word;
  }

  uint64_t eq(uint8_t byte) const {
    return ask([byte](uint64_t word) { return wordEq(word, byte); });
  }

  /* Bytes in lowest..highest, both below 0x80 or both above. */
  uint64_t range(uint8_t lowest, uint8_t highest) const {
    if (lowest < 0x80) return ask([=](uint64_t word) { return wordRange(word, lowest, highest); });
    return ask([=](uint64_t word) { return word & wordRange(word & LOWS, lowest & 0x7f, highest & 0x7f); });
  }

  /* Bytes that are not ASCII. */
  uint64_t high() const {
    return ask([](uint64_t word) { return word; });
  }

  /* Quotes, backslashes and control characters: where the scan of a JSON string must stop. */
  uint64_t stringStops() const {
    return ask([](uint64_t word) { return wordEq(word, '"') | wordEq(word, '\\') | wordRange(word, 0, 0x1f); });
  }

  /* Bytes with the bit of lower case set. Turns more than letters, so ask it for letters only. */
  Block lowered() const {
    Block block;
    for (int i = 0; i < 8; i++) block.words[i] = words[i] | (ONES * 0x20);
    return block;
  }
};

#include "scan.inl"
#include "markers.inl"
#include "candidates.inl"
#include "tokens.inl"

}  // namespace

extern const Kernels plain_kernels = {"plain", scan, findMarker, candidates, estimateTokens};

}  // namespace venturi
