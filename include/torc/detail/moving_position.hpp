// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <torc/detail/platform.hpp>
#include <type_traits>

namespace torc::detail {

template <class It>
inline constexpr bool
    moves_atomically = std::is_trivially_copyable_v<It> &&
                       sizeof(It) <= sizeof(void*) && std::has_single_bit(sizeof(It));

/// A position that its owner moves while a thief may read it. Once a thief has the entry its owner
/// moves once more at most, to the place that the thief does not read.
template <class It>
class moving_position {
public:
  explicit moving_position(It at) : places_{at, at} {}
  void move(It to) noexcept {
    const unsigned moves = moves_.load(std::memory_order_relaxed) + 1;
    places_[moves % 2] = to;
    moves_.store(moves, std::memory_order_release);
  }
  It get() const noexcept { return places_[moves_.load(std::memory_order_acquire) % 2]; }

private:
  watched<It> places_[2];
  atomic<unsigned> moves_{0};
};
template <class It>
requires moves_atomically<It>
class moving_position<It> {
public:
  explicit moving_position(It at) : place_(at) {}
  void move(It to) noexcept { place_.store(to, std::memory_order_release); }
  It get() const noexcept { return place_.load(std::memory_order_acquire); }

private:
  atomic<It> place_;
};

} // namespace torc::detail
