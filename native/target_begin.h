// From here to target_end.h, functions are compiled for the instructions that VENTURI_TARGET names.
// Include it behind every header: what those define must stay for any processor.

#define VENTURI_PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define VENTURI_TARGET_PRAGMA(features) \
  VENTURI_PRAGMA(clang attribute push(__attribute__((target(features))), apply_to = function))
#else
_Pragma("GCC push_options")
#define VENTURI_TARGET_PRAGMA(features) VENTURI_PRAGMA(GCC target(features))
#endif
VENTURI_TARGET_PRAGMA(VENTURI_TARGET)
