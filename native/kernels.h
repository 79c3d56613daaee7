// What the native part offers, as one table of functions per level of instructions.
// Everything here works on plain memory and knows nothing of JavaScript: addon.cpp binds it, test/harness.cpp tests it.

#pragma once

#include <cstddef>
#include <cstdint>

namespace venturi {

/* Grows with every change of what a function takes or gives. src/wire/native.ts loads no addon of another version. */
constexpr int ADDON_VERSION = 2;

/* How deeply arrays and objects may nest; the same as MAX_DEPTH in src/wire/json_text.ts. */
constexpr int MAX_DEPTH = 1024;

/* How many numbers a scan stores for a member; the same as STRIDE in src/wire/json_text.ts. */
constexpr int STRIDE = 5;

/* Why a JSON text was refused. The numbers are those of FAULTS in src/wire/native.ts, which finds the words. */
enum class Fault : int32_t {
  none = 0,
  value,
  key,
  colon,
  comma_in_object,
  comma_in_array,
  digit,
  word_true,
  word_false,
  word_null,
  behind,
  string,
  too_deep,
};

/* What a scan found. `count` is of all members, also of those that the store had no room for. */
struct Scan {
  Fault fault;
  int32_t offset; /* Of the outermost value, or of the fault. */
  int32_t count;
};

/* Room for members: `capacity` numbers. */
struct Store {
  int32_t* numbers;
  int32_t capacity;
};

/* The functions at one level. None reads a byte outside the range that it is given. */
struct Kernels {
  const char* name;

  /* The twin of scanText in src/wire/json_text.ts: the JSON text in bytes[start..end). */
  Scan (*scan)(const uint8_t* bytes, int32_t start, int32_t end, Store store);

  /* The twin of findMarker in src/wire/markers.ts; `set` is what packMarkers gives. */
  int32_t (*find_marker)(const uint8_t* bytes, int32_t from, int32_t end, const uint8_t* set);

  /* The twin of candidates in src/wire/candidates.ts: a bit for each class. */
  int32_t (*candidates)(const uint8_t* bytes, int32_t start, int32_t end);

  /* The twin of estimateTokens in src/wire/tokens.ts. */
  int32_t (*estimate_tokens)(const uint8_t* bytes, int32_t start, int32_t end);
};

/* Each level that this build holds. Whether the processor has it is another question: see available(). */
extern const Kernels plain_kernels;
#if defined(__x86_64__)
extern const Kernels sse2_kernels;
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#elif defined(__aarch64__)
extern const Kernels neon_kernels;
#endif

/* The most levels that available() gives. */
constexpr int LEVELS_MAX = 4;

/* Fills `levels` with those that this processor runs, from the slowest to the fastest. Returns how many. */
int available(const Kernels* levels[LEVELS_MAX]);

}  // namespace venturi
