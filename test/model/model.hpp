// SPDX-License-Identifier: MIT
#pragma once

// Included before every source of the library when it is compiled for the exhaustive tester: the
// same protocol code runs on simulated threads, and each access to shared memory is a step that the
// explorer (explorer.cpp) schedules. See README.md.

#ifdef __cplusplus
#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace model {

/// What a simulated thread waits for before its next step.
enum class op : std::uint8_t {
  step,    ///< nothing: a load, a store into its store buffer, a choice
  drained, ///< its own store buffer is empty: a locked instruction or a system call
  lock,    ///< the same, and the byte at `address` is zero
  barrier, ///< every thread's store buffer has been empty since the barrier began
  woken,   ///< somebody wakes `address`
  holds,   ///< the word at `address` is not zero
  ended,
};

/// Ends the calling thread's step; another begins when the explorer says so. Returns its choice of
/// `options`. Without effect outside of simulated threads.
unsigned next_step(op want, const void* address = nullptr, unsigned options = 1) noexcept;
/// Stops this execution: an error has been found.
[[noreturn]] void fail(const char* message) noexcept;

std::uint64_t load(const void* address, unsigned size) noexcept;
void store(void* address, unsigned size, std::uint64_t value) noexcept;
/// The step of a locked instruction begins; memory itself, which it then reads and writes.
void begin_update(const void* address, op want = op::drained) noexcept;
std::uint64_t read_memory(const void* address, unsigned size) noexcept;
void write_memory(void* address, unsigned size, std::uint64_t value) noexcept;
void trace(const char* what, const void* address, std::uint64_t value) noexcept;

template <class T>
std::uint64_t bits_of(T value) noexcept {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class T>
T of_bits(std::uint64_t bits) noexcept {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

} // namespace model

namespace torc::detail {

/// A cell of memory under x86-TSO: stores of any order but seq_cst go into the thread's buffer.
template <class T>
class atomic {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  using order = std::memory_order;
  static constexpr order seq_cst = std::memory_order_seq_cst;

public:
  constexpr atomic() noexcept : atomic(T{}) {}
  constexpr atomic(T v) noexcept {
    if (std::is_constant_evaluated()) {
      value_ = v;
    } else {
      model::store(&value_, sizeof(T), model::bits_of(v));
    }
  }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(order = seq_cst) const noexcept {
    return model::of_bits<T>(model::load(&value_, sizeof(T)));
  }
  void store(T v, order o = seq_cst) noexcept {
    if (o == seq_cst) {
      exchange(v);
    } else {
      model::store(&value_, sizeof(T), model::bits_of(v));
    }
  }
  T exchange(T v, order = seq_cst) noexcept {
    return update([v](T) { return v; });
  }
  T fetch_add(T v, order = seq_cst) noexcept {
    return update([v](T old) { return static_cast<T>(old + v); });
  }
  T fetch_sub(T v, order = seq_cst) noexcept {
    return update([v](T old) { return static_cast<T>(old - v); });
  }
  bool compare_exchange_strong(T& expected, T desired, order = seq_cst, order = seq_cst) noexcept {
    const T wanted = expected;
    expected = update([=](T old) { return old == wanted ? desired : old; });
    return expected == wanted;
  }
  void wait(T, order = seq_cst) const noexcept { model::fail("a thread blocks in atomic::wait"); }
  void notify_all() noexcept {}

private:
  template <class F>
  T update(const F& f) noexcept {
    model::begin_update(&value_);
    const T old = model::of_bits<T>(model::read_memory(&value_, sizeof(T)));
    const std::uint64_t updated = model::bits_of<T>(f(old));
    model::write_memory(&value_, sizeof(T), updated);
    model::trace("update", &value_, updated);
    return old;
  }
  T value_;
};

/// A plain field that more than one thread uses: its accesses are steps and checked, too.
template <class T>
class watched {
public:
  watched() noexcept = default;
  watched(T v) noexcept { *this = v; }
  watched(const watched& other) noexcept { *this = static_cast<T>(other); }
  watched& operator=(const watched& other) noexcept { return *this = static_cast<T>(other); }
  watched& operator=(T v) noexcept {
    model::store(&value_, sizeof(T), model::bits_of(v));
    return *this;
  }
  operator T() const noexcept { return model::of_bits<T>(model::load(&value_, sizeof(T))); }
  T operator->() const noexcept { return *this; }

private:
  T value_;
};

inline void light_barrier() noexcept {}
void heavy_barrier() noexcept;

/// As the real one, but a thread that waits for it is not scheduled instead of trying again.
class spinlock {
public:
  bool try_lock() noexcept {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void lock() noexcept {
    model::begin_update(&held_, model::op::lock);
    model::write_memory(&held_, sizeof held_, 1);
    model::trace("lock", &held_, 1);
  }
  void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
  atomic<bool> held_{false};
};

} // namespace torc::detail
#endif
