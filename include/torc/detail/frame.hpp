// SPDX-License-Identifier: MIT
#pragma once

// Coroutine frames. Every fiber owns a stack for them beside its native one: tasks are awaited by
// the expression that creates them, so frames are freed in about reverse order and an allocation
// is an addition and a compare. "About", as g++ 12 does not always destroy the temporaries of an
// awaited expression in reverse order. Sanitizer builds use plain `new`, to see wrong accesses.

#include <cstddef>
#include <torc/detail/descriptor.hpp>

namespace torc::detail {

void* allocate_frame_slow(std::size_t bytes);
void free_frame_slow(void* frame, std::size_t bytes) noexcept;

/// In the word before a frame: its end, if the frame can be freed without a look at what is in it.
/// Null if something there has to be destroyed, and for frames from the heap.
inline char*& plain_end(void* frame) noexcept { return static_cast<char**>(frame)[-1]; }

inline constexpr std::size_t frame_alignment = 16;
inline constexpr std::size_t frame_header = sizeof(char*);

/// Of a frame and the word before it.
constexpr std::size_t frame_size(std::size_t bytes) noexcept {
  return (frame_header + bytes + frame_alignment - 1) & ~(frame_alignment - 1);
}

#if defined(TORC_ASAN) || defined(TORC_TSAN)
inline void* allocate_frame(std::size_t bytes) { return allocate_frame_slow(frame_size(bytes)); }
inline void free_frame(void* frame, std::size_t bytes) noexcept {
  free_frame_slow(frame, frame_size(bytes));
}
#else
/// `allocate_frame_slow`, for callers that save no register for it.
TORC_CALLEE_SAVES inline void* allocate_frame_elsewhere(std::size_t size) {
  return allocate_frame_slow(size);
}
inline void* allocate_frame(std::size_t bytes) {
  front& f = *this_front();
  const std::size_t size = frame_size(bytes);
  char* const begin = f.frame_top;
  char* const end = begin + size;
  if (end > f.frame_limit) [[unlikely]] {
    return allocate_frame_elsewhere(size);
  }
  f.frame_top = end;
  void* const frame = begin + frame_header;
  plain_end(frame) = end;
  return frame;
}

inline void free_frame(void* frame, std::size_t bytes) noexcept {
  front& f = *this_front();
  const std::size_t size = frame_size(bytes);
  char* const begin = static_cast<char*>(frame) - frame_header;
  if (begin + size != f.frame_top) [[unlikely]] {
    free_frame_slow(frame, size);
    return;
  }
  f.frame_top = begin;
}
#endif

/// Frees a frame if it is the newest of the running fiber and has a plain end.
inline bool pop_frame(void* frame) noexcept {
  front& f = *this_front();
  if (plain_end(frame) != f.frame_top) [[unlikely]] {
    return false;
  }
  f.frame_top = static_cast<char*>(frame) - frame_header;
  return true;
}

} // namespace torc::detail
