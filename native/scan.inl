// The walk over a JSON text, included once per level; Block is the level's 64 bytes.
// Structure is walked byte by byte, and the content of strings, which is nearly all of a chat, 64 bytes at a time.

/* ---------------------------------------------------------------------------------------------------------
 * Bytes and what they mean.
 * ------------------------------------------------------------------------------------------------------ */

/* 1 for each byte that may follow a backslash and is an escape of two bytes; 2 for "u". */
struct EscapeTable {
  uint8_t kinds[256] = {};
  constexpr EscapeTable() {
    for (const char* letter = "\"\\/bfnrt"; *letter != 0; letter++) kinds[static_cast<uint8_t>(*letter)] = 1;
    kinds['u'] = 2;
  }
};

/* 1 for each hexadecimal digit. */
struct HexTable {
  uint8_t digits[256] = {};
  constexpr HexTable() {
    for (const char* digit = "0123456789abcdefABCDEF"; *digit != 0; digit++) digits[static_cast<uint8_t>(*digit)] = 1;
  }
};

constexpr EscapeTable ESCAPES;
constexpr HexTable HEX;

inline bool isBlank(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

inline bool isDigit(uint8_t byte) {
  return static_cast<uint8_t>(byte - '0') <= 9;
}

/* ---------------------------------------------------------------------------------------------------------
 * Tokens. Each function takes the place where its token begins and returns the place behind it.
 * ------------------------------------------------------------------------------------------------------ */

/* The first place from `at` on that holds no white space. Indentation is skipped 64 bytes at a time. */
inline const uint8_t* skipBlank(const uint8_t* at, const uint8_t* end) {
  /* Minified text has none, and most white space is one byte: neither is worth a block. */
  if (at >= end || *at > ' ' || !isBlank(*at)) return at;
  at++;
  if (at >= end || !isBlank(*at)) return at;
  at++;
  while (end - at >= 64) {
    const Block block = Block::load(at);
    const uint64_t others = ~(block.eq(' ') | block.eq('\n') | block.eq('\r') | block.eq('\t'));
    if (others != 0) return at + __builtin_ctzll(others);
    at += 64;
  }
  while (at < end && isBlank(*at)) at++;
  return at;
}

/* Whether four hexadecimal digits stand at `at`, all before `end`. */
inline bool isHex4(const uint8_t* at, const uint8_t* end) {
  return end - at >= 4 && (HEX.digits[at[0]] & HEX.digits[at[1]] & HEX.digits[at[2]] & HEX.digits[at[3]]) != 0;
}

/*
 * From behind an opening quote to behind the closing one. Returns null if the string is faulty, and then
 * *fault_at is where. The stops of a block are visited in turn, so that text full of escapes loads each byte once.
 */
inline const uint8_t* scanString(const uint8_t* at, const uint8_t* end, const uint8_t** fault_at) {
  while (at < end) {
    const size_t left = static_cast<size_t>(end - at);
    uint64_t stops;
    if (left >= 64) [[likely]] {
      stops = Block::load(at).stringStops();
    } else {
      /* The zeros behind the text are control characters, so their answers are cut off. */
      stops = Block::loadPart(at, left).stringStops() & ((uint64_t{1} << left) - 1);
    }
    const uint8_t* next = at + (left < 64 ? left : 64);
    while (stops != 0) {
      const int index = __builtin_ctzll(stops);
      const uint8_t* stop = at + index;
      if (*stop == '"') return stop + 1;
      if (*stop != '\\' || stop + 1 >= end) {
        *fault_at = stop;
        return nullptr;
      }
      const uint8_t kind = ESCAPES.kinds[stop[1]];
      if (kind == 1) {
        /* The letter may be a stop itself. At the end of a block it lies in the next one. */
        stops &= ~(uint64_t{3} << index);
        if (stop + 2 > next) next = stop + 2;
      } else if (kind == 2 && isHex4(stop + 2, end)) {
        stops &= stops - 1;
        if (stop + 6 > next) next = stop + 6;
      } else {
        *fault_at = stop;
        return nullptr;
      }
    }
    at = next;
  }
  *fault_at = end;
  return nullptr;
}

/* Behind a run of at least one digit; null if there is none. */
inline const uint8_t* scanDigits(const uint8_t* at, const uint8_t* end) {
  if (at >= end || !isDigit(*at)) return nullptr;
  do at++;
  while (at < end && isDigit(*at));
  return at;
}

/* Behind a number (RFC 8259, 6). Returns null where a digit lacks, and then *fault_at is where. */
inline const uint8_t* scanNumber(const uint8_t* at, const uint8_t* end, const uint8_t** fault_at) {
  if (*at == '-') at++;
  if (at < end && *at == '0') {
    at++;
  } else {
    *fault_at = at;
    if ((at = scanDigits(at, end)) == nullptr) return nullptr;
  }
  if (at < end && *at == '.') {
    *fault_at = ++at;
    if ((at = scanDigits(at, end)) == nullptr) return nullptr;
  }
  if (at < end && (*at | 0x20) == 'e') {
    at++;
    if (at < end && (*at == '-' || *at == '+')) at++;
    *fault_at = at;
    if ((at = scanDigits(at, end)) == nullptr) return nullptr;
  }
  return at;
}

/* Behind `word` if it stands at `at`, else null, and then *fault_at is the first byte that differs. */
inline const uint8_t* scanWord(const uint8_t* at, const uint8_t* end, const char* word, const uint8_t** fault_at) {
  for (; *word != 0; word++, at++) {
    if (at >= end || *at != static_cast<uint8_t>(*word)) {
      *fault_at = at;
      return nullptr;
    }
  }
  return at;
}

/* Whether a key's text is not simply its bytes. */
inline bool isOddKey(const uint8_t* at, const uint8_t* end) {
  for (; at < end; at++) {
    if (*at == '\\' || *at >= 0x80) return true;
  }
  return false;
}

/* ---------------------------------------------------------------------------------------------------------
 * The text.
 * ------------------------------------------------------------------------------------------------------ */

/* See Kernels::scan. The order of the checks is that of the twin, so that both find the same fault first. */
Scan scan(const uint8_t* bytes, int32_t start, int32_t last, Store store) {
  const uint8_t* const end = bytes + last;
  const uint8_t* at = skipBlank(bytes + start, end);
  const uint8_t* const root = at;
  const uint8_t* fault_at = nullptr;
  const uint8_t* key = nullptr;
  const uint8_t* key_end = nullptr;
  const uint8_t* value = nullptr;
  /* The closing byte of each container that is open, by depth. Zero stands for none. */
  uint8_t closers[MAX_DEPTH + 1];
  closers[0] = 0;
  int depth = 0;
  uint8_t closer = 0;
  int32_t count = 0;
  int32_t stored = 0;
  const auto refuse = [&](Fault fault, const uint8_t* where) {
    return Scan{fault, static_cast<int32_t>(where - bytes), 0};
  };

  for (;;) {
    /* A value begins here; within an object, its key does. */
    if (closer == '}') {
      if (at >= end || *at != '"') return refuse(Fault::key, at);
      const uint8_t* const key_at = at;
      at = scanString(at + 1, end, &fault_at);
      if (at == nullptr) return refuse(Fault::string, fault_at);
      if (depth == 1) {
        key = key_at;
        key_end = at;
      }
      at = skipBlank(at, end);
      if (at >= end || *at != ':') return refuse(Fault::colon, at);
      at = skipBlank(at + 1, end);
    }
    if (at >= end) return refuse(Fault::value, at);
    if (depth == 1) value = at;

    switch (*at) {
      case '"':
        at = scanString(at + 1, end, &fault_at);
        if (at == nullptr) return refuse(Fault::string, fault_at);
        break;
      case '{':
      case '[':
        if (depth == MAX_DEPTH) return refuse(Fault::too_deep, at);
        closer = static_cast<uint8_t>(*at + 2);
        closers[++depth] = closer;
        at = skipBlank(at + 1, end);
        if (at >= end || *at != closer) continue;
        at++;
        closer = closers[--depth];
        break;
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9':
        at = scanNumber(at, end, &fault_at);
        if (at == nullptr) return refuse(Fault::digit, fault_at);
        break;
      case 't':
        at = scanWord(at, end, "true", &fault_at);
        if (at == nullptr) return refuse(Fault::word_true, fault_at);
        break;
      case 'f':
        at = scanWord(at, end, "false", &fault_at);
        if (at == nullptr) return refuse(Fault::word_false, fault_at);
        break;
      case 'n':
        at = scanWord(at, end, "null", &fault_at);
        if (at == nullptr) return refuse(Fault::word_null, fault_at);
        break;
      default:
        return refuse(Fault::value, at);
    }

    /* A value ended just before `at`, and with it perhaps the containers around it. */
    for (;;) {
      if (depth == 1) {
        count++;
        if (stored + STRIDE <= store.capacity) {
          const bool is_object = closer == '}';
          int32_t* const member = store.numbers + stored;
          member[0] = static_cast<int32_t>((is_object ? key : value) - bytes);
          member[1] = static_cast<int32_t>((is_object ? key_end : value) - bytes);
          member[2] = static_cast<int32_t>(value - bytes);
          member[3] = static_cast<int32_t>(at - bytes);
          member[4] = is_object && isOddKey(key, key_end) ? 1 : 0;
          stored += STRIDE;
        }
      }
      at = skipBlank(at, end);
      if (depth == 0) {
        if (at != end) return refuse(Fault::behind, at);
        return Scan{Fault::none, static_cast<int32_t>(root - bytes), count};
      }
      if (at < end && *at == ',') break;
      if (at >= end || *at != closer) {
        return refuse(closer == '}' ? Fault::comma_in_object : Fault::comma_in_array, at);
      }
      at++;
      closer = closers[--depth];
    }
    at = skipBlank(at + 1, end);
  }
}
