// SPDX-License-Identifier: MIT
#pragma once

// What the engine asks of compiler and machine: atomics, an owner-side barrier that costs nothing,
// and the current worker read in a way that survives a change of thread.

#include <atomic>
#include <cstdint>

#if defined(__SANITIZE_THREAD__)
#define TORC_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TORC_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TORC_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TORC_ASAN 1
#endif
#endif

namespace torc::detail {

using any_function = void (*)();

#ifndef TORC_MODEL_CHECK // the exhaustive tester of test/model brings its own of these
template <class T>
using atomic = std::atomic<T>;
/// A plain field that other threads read, once something atomic has told them that they may.
template <class T>
using watched = T;

/// The owner's half of an asymmetric fence: orders its earlier stores before its later loads as
/// far as the compiler goes. Whoever needs the machine to agree calls `heavy_barrier()`.
inline void light_barrier() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

/// The other half: when it returns, every running thread of the process has passed a full fence.
/// About 10 us with busy threads (membarrier), so thieves call it only after asking has failed.
void heavy_barrier() noexcept;
#endif

struct front;

} // namespace torc::detail

/// The running worker's front; never null (threads that are no workers share one that always
/// takes the slow paths). C linkage, because the accessor below names the symbol in assembly.
extern "C" constinit thread_local torc::detail::front* torc_front;
/// Never written. An input of the accessor, so that g++ does not move it across a call.
extern "C" char torc_may_have_switched;

namespace torc::detail {

/// Whether a byte that other threads may set is not zero; an acquire load. As a compare with memory
/// and a jump, which compilers do not make of an atomic load: two instructions in place of three,
/// where a task has some thirty.
template <class T>
inline bool is_set(const atomic<T>& byte) noexcept {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TORC_TSAN) && !defined(TORC_MODEL_CHECK)
  static_assert(sizeof byte == 1);
  asm goto("cmpb $0, %0\n\tjne %l[set]" : : "m"(byte) : "cc", "memory" : set);
  return false;
set:
  return true;
#else
  return byte.load(std::memory_order_acquire) != T{};
#endif
}

/// Adds one to a counter that only the calling thread writes and others may read.
inline void increment(atomic<std::uint64_t>& counter) noexcept {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TORC_TSAN) && !defined(TORC_MODEL_CHECK)
  asm("incq %0" : "+m"(counter) : : "cc"); // not locked
#else
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
#endif
}

/// `&x`, computed where it is asked for: compilers would keep it in a register across calls, and
/// every function that spawns save one register more.
template <class T>
[[gnu::always_inline]] inline T* address_here(T& x) noexcept {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TORC_MODEL_CHECK)
  T* result;
  asm("lea %1, %0" : "=r"(result) : "m"(x));
  return result;
#else
  return &x;
#endif
}

/// Of an inline function that is rarely called: it saves what the caller has in registers, for the
/// caller not to do so whether it calls it or not. g++ 12 has no such thing. Another name keeps the
/// linker from taking what another compiler has made of it.
#if defined(__clang__) && defined(__x86_64__)
#define TORC_CALLEE_SAVES [[gnu::noinline, gnu::cold, clang::preserve_most, gnu::abi_tag("clang")]]
#else
#define TORC_CALLEE_SAVES
#endif

#if defined(__x86_64__) && defined(__GNUC__)
// g++ may move an asm without inputs across a call. clang does not, and would keep the address of
// an input in a register.
#ifdef __clang__
#define TORC_MAY_HAVE_SWITCHED
#else
#define TORC_MAY_HAVE_SWITCHED "m"(torc_may_have_switched)
#endif
/// The front of the worker that runs this code *now*. A task that suspends may go on on another
/// thread, and compilers keep addresses of thread-locals in registers across calls; reading
/// through the segment register inside the asm leaves them nothing to keep.
inline front* this_front() noexcept {
  front* result;
#if defined(TORC_STATIC) && (!defined(__PIC__) || defined(__PIE__))
  // Part of an executable, as the library is.
  asm volatile("movq %%fs:torc_front@tpoff, %0" : "=r"(result) : TORC_MAY_HAVE_SWITCHED);
#else
  asm volatile("movq torc_front@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0"
               : "=r"(result)
               : TORC_MAY_HAVE_SWITCHED);
#endif
  return result;
}
#undef TORC_MAY_HAVE_SWITCHED
#else
/// As above, for other machines: a call that cannot be inlined.
front* this_front() noexcept;
#endif

} // namespace torc::detail
