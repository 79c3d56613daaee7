// Ends what target_begin.h began.

#if defined(__clang__)
_Pragma("clang attribute pop")
#else
_Pragma("GCC pop_options")
#endif
#undef VENTURI_TARGET_PRAGMA
#undef VENTURI_PRAGMA
#undef VENTURI_TARGET
