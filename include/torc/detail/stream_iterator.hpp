// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <iterator>

namespace torc::detail {

/// The input iterator of a stream whose `advance` gives the next value, or null after the last.
template <class Stream, class T>
class stream_iterator {
public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  explicit stream_iterator(Stream& stream) : stream_(&stream), current_(stream.advance()) {}
  T& operator*() const noexcept { return *current_; }
  stream_iterator& operator++() {
    current_ = stream_->advance();
    return *this;
  }
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const noexcept { return current_ == nullptr; }

private:
  Stream* stream_;
  T* current_;
};

} // namespace torc::detail
