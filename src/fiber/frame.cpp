// SPDX-License-Identifier: MIT
#include <torc/detail/frame.hpp>

#include <new>

#include "fiber/fiber.hpp"

namespace torc::detail {

constexpr std::ptrdiff_t dummy_size = sizeof(buried_frame);
static_assert(dummy_size == frame_alignment);

// Outside fibers, and when a fiber's own room is used up, frames come from the heap. A frame freed
// while a newer one is alive stays where it is, in a list, until what is above it has gone. A dummy
// of the same kind on top makes the newer one, when it is freed, come here as well.

void* allocate_frame_slow(std::size_t bytes) {
  void* const frame = static_cast<char*>(::operator new(frame_alignment + bytes)) + frame_alignment;
  plain_end(frame) = nullptr;
  return frame;
}

void free_frame_slow(void* frame, std::size_t bytes) noexcept {
  front& f = *this_front();
  if (f.running == nullptr || frame < f.running->frame_base || frame >= f.frame_limit) {
    ::operator delete(static_cast<char*>(frame) - frame_alignment, frame_alignment + bytes);
    return;
  }
  buried_frame*& buried = f.running->buried;
  const auto bury = [&buried](void* begin, char* end) {
    buried = new (begin) buried_frame{buried, end};
  };
  char* const begin = static_cast<char*>(frame) - frame_header;
  bury(begin, begin + bytes);
  // The list is short: what one expression awaits.
  for (buried_frame** b = &buried; *b != nullptr;) {
    if ((*b)->end == f.frame_top) {
      f.frame_top = reinterpret_cast<char*>(*b);
      *b = (*b)->next;
      b = &buried;
    } else {
      b = &(*b)->next;
    }
  }
  if (buried != nullptr && f.frame_limit - f.frame_top >= dummy_size) {
    f.frame_top += dummy_size;
    bury(f.frame_top - dummy_size, f.frame_top);
  }
}

} // namespace torc::detail
